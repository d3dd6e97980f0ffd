import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const repository = join(import.meta.dirname, '..', '..');

let copy: string;

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'lazarus-generators-'));
  for (const file of ['LICENSE', 'dependency-rules.cjs', 'packages/core/package.json']) {
    cpSync(join(repository, file), join(copy, file));
  }
  mkdirSync(join(copy, '.changeset'));
});

afterEach(() => {
  rmSync(copy, { recursive: true, force: true });
});

function generate(tool: string, ...args: string[]): string {
  return execFileSync(process.execPath, [join(repository, 'tools', tool), ...args], {
    cwd: copy,
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

describe('new:package', () => {
  it('makes a folder with manifest, license and readme, and a row in the import table', () => {
    generate('new-package.mjs', '--name', 'locks-etcd', '--description', 'Leases in etcd.');
    expect(readdirSync(join(copy, 'packages', 'locks-etcd')).sort()).toEqual([
      'LICENSE',
      'README.md',
      'package.json',
      'src',
      'tsconfig.json',
    ]);
    expect(readFileSync(join(copy, 'dependency-rules.cjs'), 'utf8')).toContain("'locks-etcd': ['core'],");
  });

  it('refuses a name that is taken or not in kebab case', () => {
    expect(() => generate('new-package.mjs', '--name', 'core')).toThrow('exists already');
    expect(() => generate('new-package.mjs', '--name', 'Locks_Etcd')).toThrow('Usage');
  });
});

describe('change', () => {
  it('writes a changeset that names the package and the size of the change', () => {
    generate('new-change.mjs', 'core', 'minor', 'Rules may name a priority.');
    const [file] = readdirSync(join(copy, '.changeset'));
    expect(file).toMatch(/^rules-may-name-a-priority-[0-9a-f]{6}\.md$/);
    expect(readFileSync(join(copy, '.changeset', file ?? ''), 'utf8')).toBe(
      "---\n'@lazarus/core': minor\n---\n\nRules may name a priority.\n",
    );
  });

  it('refuses an unknown package and an unknown size', () => {
    expect(() => generate('new-change.mjs', 'nothing', 'minor', 'x')).toThrow('no package');
    expect(() => generate('new-change.mjs', 'core', 'huge', 'x')).toThrow('Usage');
  });
});

describe('decision', () => {
  it('numbers records one after the other', () => {
    generate('new-decision.mjs', 'Keep the journal in SQLite');
    generate('new-decision.mjs', 'Use CEL');
    expect(existsSync(join(copy, 'docs/decisions/0001-keep-the-journal-in-sqlite.md'))).toBe(true);
    expect(existsSync(join(copy, 'docs/decisions/0002-use-cel.md'))).toBe(true);
  });
});
