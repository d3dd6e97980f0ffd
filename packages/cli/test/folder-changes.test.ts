import { EventEmitter } from 'node:events';
import type { FSWatcher, watch } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { watchFolders } from '../src/runbook-tests/folder-changes.ts';

const NEVER = new AbortController().signal;
let folder: string;
const at = (...names: string[]): string => join(folder, ...names);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lazarus-changes-'));
  for (const name of ['rules/deep', 'node_modules/x/lib', '.git/objects'])
    await mkdir(at(name), { recursive: true });
  for (let index = 0; index < 50; index += 1) await writeFile(at('node_modules/x/lib', `${index}.js`), '');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A watch of the system that fails. */
function failing(code: string): typeof watch {
  return () => {
    throw Object.assign(new Error(code), { code });
  };
}

describe('changes of folders', () => {
  it('take one watch for each folder, and none below node_modules and dot folders', async () => {
    const changes = watchFolders(() => undefined);
    await changes.add(folder);
    expect([...changes.folders].sort()).toEqual([folder, at('rules'), at('rules/deep')]);
    changes.stop();
  });

  it('are seen in a new folder, too, whatever was in it before it was watched', async () => {
    const changes = watchFolders(() => undefined);
    await changes.add(folder);
    await mkdir(at('rules/new/below'), { recursive: true });
    await writeFile(at('rules/new/below/web.yaml'), 'a: 1');
    const seen = new Set<string>();
    while (!seen.has(at('rules/new/below/web.yaml')))
      for (const path of await changes.next(NEVER)) seen.add(path);
    await writeFile(at('rules/new/below/later.yaml'), 'a: 1');
    while (!seen.has(at('rules/new/below/later.yaml')))
      for (const path of await changes.next(NEVER)) seen.add(path);
    changes.stop();
  });

  it.each([
    ['ENOSPC', 'raise fs.inotify.max_user_watches'],
    ['EMFILE', 'raise fs.inotify.max_user_instances'],
    ['EACCES', 'make it readable'],
  ])('that the system refuses to tell (%s) are reported once, with what to do', async (code, advice) => {
    const problems: string[] = [];
    const changes = watchFolders((problem) => problems.push(problem), failing(code));
    await changes.add(folder);
    expect(problems).toEqual([expect.stringContaining(advice)]);
    changes.stop();
  });

  it('whose watch breaks later are reported as well', async () => {
    const problems: string[] = [];
    const watcher = Object.assign(new EventEmitter(), { close: () => undefined });
    const changes = watchFolders(
      (problem) => problems.push(problem),
      () => watcher as unknown as FSWatcher,
    );
    await changes.add(at('rules/deep'));
    watcher.emit('error', Object.assign(new Error('gone'), { code: 'EIO' }));
    expect(problems.join()).toMatch(/are not seen \(EIO\): start the command again/);
    changes.stop();
  });
});
