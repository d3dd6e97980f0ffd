import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { buildStamp } from '../build-stamp.mjs';

describe('the stamp of a build', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'lazarus-stamp-'));
    const folder = root;
    onTestFinished(() => rmSync(folder, { recursive: true }));
    for (const name of ['packages/a/src', 'packages/a/dist', 'packages/a/test', 'examples'])
      mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, 'packages/a/src/a.ts'), '1');
    writeFileSync(join(root, 'packages/a/dist/a.js'), '1');
    writeFileSync(join(root, 'package-lock.json'), '{}');
    buildStamp(root, 'bundle a').set();
  });
  const isSet = (): boolean => buildStamp(root, 'bundle a').isSet();

  it('holds while nothing changes, also when a test does', () => {
    writeFileSync(join(root, 'packages/a/test/a.test.ts'), '');
    expect(isSet()).toBe(true);
    expect(buildStamp(root, 'bundle b').isSet()).toBe(false);
  });

  it.each([
    ['a source of the same size is newer', () => utimesSync(join(root, 'packages/a/src/a.ts'), 1, 1)],
    ['a source is new', () => writeFileSync(join(root, 'packages/a/src/b.ts'), '')],
    ['what was built is gone', () => rmSync(join(root, 'packages/a/dist/a.js'))],
    ['what was built is another', () => writeFileSync(join(root, 'packages/a/dist/a.js'), '12')],
    ['a dependency is another', () => writeFileSync(join(root, 'package-lock.json'), '{ }')],
  ])('does not hold when %s', (_what, change) => {
    change();
    expect(isSet()).toBe(false);
  });
});
