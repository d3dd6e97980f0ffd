import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RegionState } from './region-state.ts';
import { StartupError } from './startup-error.ts';

/** Keeps the region's state between two starts. */
export interface StateStore {
  load(): RegionState | undefined;
  /** Returns once the state would survive the death of this process. */
  save(state: RegionState): void;
  release(): void;
}

/** A store that forgets: for tests that need no restart. */
export function memoryStore(): StateStore {
  return { load: () => undefined, save: () => undefined, release: () => undefined };
}

/**
 * One JSON file in `directory`, replaced atomically at each change, and a lock so that two regions never share it.
 *
 * @throws StartupError when the folder cannot be used or another region holds it.
 */
export function directoryStore(directory: string): StateStore {
  const file = join(directory, 'region.json');
  const lock = join(directory, 'region.pid');
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw new StartupError(`cannot create the state directory ${directory}: ${(error as Error).message}`);
  }
  takeLock(lock, directory);
  return {
    load: () => readState(file, directory),
    save: (state) => {
      writeFileSync(`${file}.new`, JSON.stringify(state));
      renameSync(`${file}.new`, file);
    },
    release: () => rmSync(lock, { force: true }),
  };
}

function takeLock(lock: string, directory: string): void {
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new StartupError(
          `cannot write to the state directory ${directory}: ${(error as Error).message}`,
        );
      }
    }
    const holder = Number(readFileSync(lock, 'utf8'));
    if (isAlive(holder)) {
      throw new StartupError(
        `the state directory ${directory} is in use by process ${holder}: stop that region, choose another --state, ` +
          `or delete ${lock} if that process is no region`,
      );
    }
    rmSync(lock, { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function readState(file: string, directory: string): RegionState | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StartupError(`cannot read ${file}: ${(error as Error).message}`);
  }
  const advice = `delete ${directory} to start afresh, or choose another --state`;
  let state: unknown;
  try {
    state = JSON.parse(text);
  } catch {
    throw new StartupError(`${file} is not JSON, so it is not the state of a region: ${advice}`);
  }
  if (typeof state !== 'object' || state === null || !('version' in state)) {
    throw new StartupError(`${file} is not the state of a region: ${advice}`);
  }
  if (state.version !== 1) {
    throw new StartupError(
      `${file} has version ${String(state.version)} and this program reads version 1: ${advice}`,
    );
  }
  return state as RegionState;
}
