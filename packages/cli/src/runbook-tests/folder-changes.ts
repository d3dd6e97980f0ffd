import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** An editor saves in several steps: what changes within this time is one change. */
const TOGETHER_MS = 100;
/** Folders that hold what others have written: thousands of files that no test names. */
const FOREIGN = /^(?:node_modules|\..+)$/;

/** Changed files of watched folders. */
export interface FolderChanges {
  /** Watches the folder of a file, or a folder with all below it, but for `node_modules` and dot folders. */
  add(path: string): Promise<void>;
  /** Files that changed since the last call; waits for the first one. */
  next(signal: AbortSignal): Promise<readonly string[]>;
  /** Folders that are watched, each with one watch of the system. */
  readonly folders: readonly string[];
  stop(): void;
}

/**
 * Watches folders one by one: the recursive watch of the system would take one watch for each file, in `node_modules`, too.
 *
 * @param report - Told once for each kind of failure what cannot be watched, and what to do about it.
 */
export function watchFolders(report: (problem: string) => void, start: typeof watch = watch): FolderChanges {
  const watchers = new Map<string, { readonly watcher: FSWatcher; readonly isDeep: boolean }>();
  const changed = new Set<string>();
  const told = new Set<string>();
  let wake: () => void = () => undefined;
  let isOver = false;

  const fail = (folder: string, error: unknown): void => {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    if (isOver || code === 'ENOENT' || told.has(code)) return;
    told.add(code);
    report(`changes in ${folder} are not seen (${code}): ${adviceFor(code)}`);
  };
  const forget = (folder: string): void => {
    for (const [known, { watcher }] of watchers) {
      if (known !== folder && !known.startsWith(folder + sep)) continue;
      watcher.close();
      watchers.delete(known);
    }
  };
  const onChange = async (path: string, isDeep: boolean): Promise<void> => {
    changed.add(path);
    wake();
    if (!isDeep) return;
    if (!(await isFolder(path))) forget(path);
    // What was written into a new folder before it was watched is new as well.
    else for (const file of await addDeep(path)) changed.add(file);
    wake();
  };
  const addOne = (folder: string, isDeep: boolean): void => {
    const known = watchers.get(folder);
    if (isOver || known?.isDeep === true || (known !== undefined && !isDeep)) return;
    known?.watcher.close();
    try {
      const watcher = start(folder, (_event, name) => {
        if (name === null || FOREIGN.test(name)) return;
        onChange(join(folder, name), isDeep).catch((error: unknown) => fail(folder, error));
      });
      watcher.on('error', (error) => fail(folder, error));
      watchers.set(folder, { watcher, isDeep });
    } catch (error) {
      watchers.delete(folder);
      fail(folder, error);
    }
  };
  /** Resolves with the files of folders that were not watched before. */
  const addDeep = async (folder: string): Promise<readonly string[]> => {
    if (watchers.get(folder)?.isDeep === true) return [];
    addOne(folder, true);
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    const own = entries.filter(({ name }) => !FOREIGN.test(name));
    const files = own.filter((entry) => entry.isFile()).map(({ name }) => join(folder, name));
    const folders = own.filter((entry) => entry.isDirectory()).map(({ name }) => addDeep(join(folder, name)));
    return [...files, ...(await Promise.all(folders)).flat()];
  };

  return {
    add: async (path) => {
      if (await isFolder(path)) await addDeep(resolve(path));
      else addOne(dirname(resolve(path)), false);
    },
    next: async (signal) => {
      if (changed.size === 0 && !signal.aborted) await new Promise<void>((done) => (wake = done));
      await sleep(TOGETHER_MS, undefined, { signal }).catch(() => undefined);
      const now = [...changed];
      changed.clear();
      return now;
    },
    get folders() {
      return [...watchers.keys()];
    },
    stop: () => {
      isOver = true;
      for (const { watcher } of watchers.values()) watcher.close();
      wake();
    },
  };
}

function adviceFor(code: string): string {
  if (code === 'ENOSPC')
    return 'the system allows no more watches; raise fs.inotify.max_user_watches, or name fewer folders';
  if (code === 'EMFILE')
    return 'too many files are open; raise fs.inotify.max_user_instances or the limit of open files';
  if (code === 'EACCES' || code === 'EPERM') return 'make it readable for you';
  return 'start the command again after a change there';
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
