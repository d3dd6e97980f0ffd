import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { keptState, StateInUseError } from '../src/world/state-directory.ts';

function aFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'lazarus-state-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

it('removes nothing that no start has left, although it is asked to begin afresh', () => {
  const path = aFolder();
  writeFileSync(join(path, 'thesis.md'), 'years of work');
  expect(() => keptState(path, { fresh: true })).toThrow(/holds files that no start has left/);
  expect(existsSync(join(path, 'thesis.md'))).toBe(true);
});

it('begins afresh where an earlier start was, and in a folder that is empty or not there', () => {
  const path = aFolder();
  keptState(path, { fresh: true }).release();
  writeFileSync(join(path, 'old'), '');
  keptState(path, { fresh: true }).release();
  expect(existsSync(join(path, 'old'))).toBe(false);
  expect(keptState(join(path, 'new'), { fresh: true }).isOld).toBe(false);
});

it('says in one line that a path cannot hold the state', () => {
  const path = join(aFolder(), 'file');
  writeFileSync(path, '');
  expect(() => keptState(path, { fresh: false })).toThrow(StateInUseError);
  expect(() => keptState(path, { fresh: false })).toThrow(/cannot hold the state \(EEXIST\)/);
});

it('shows what stands where the format was expected', () => {
  const path = aFolder();
  writeFileSync(join(path, 'format'), 'garbage\n');
  expect(() => keptState(path, { fresh: false })).toThrow(/format garbage, this one has \d/);
});

it('takes an empty pid file for nobody, and the pid of a living process for another start', () => {
  const path = aFolder();
  writeFileSync(join(path, 'start.pid'), '');
  keptState(path, { fresh: false });
  expect(() => keptState(path, { fresh: false })).toThrow(`another start (process ${process.pid})`);
});
