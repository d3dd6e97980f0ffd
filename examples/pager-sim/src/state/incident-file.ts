import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Incident } from '../incidents/incident.ts';
import { StartupError } from './startup-error.ts';

/** What the pager remembers. */
export interface PagerState {
  readonly version: 1;
  readonly port: number;
  readonly incidents: readonly Incident[];
}

/** Keeps the pager's state between two starts. */
export interface IncidentFile {
  load(): PagerState | undefined;
  /** Returns once the state would survive a power cut. */
  save(state: PagerState): void;
  release(): void;
}

/** A store that forgets: for tests that need no restart. */
export function memoryFile(): IncidentFile {
  return { load: () => undefined, save: () => undefined, release: () => undefined };
}

/**
 * One JSON file, replaced atomically and synced at each change, and a lock beside it.
 *
 * @throws StartupError when the file cannot be used or another pager holds it.
 */
export function incidentFile(file: string): IncidentFile {
  const lock = `${file}.pid`;
  takeLock(file, lock);
  return {
    load: () => read(file),
    save: (state) => {
      const draft = openSync(`${file}.new`, 'w');
      try {
        writeSync(draft, JSON.stringify(state));
        fsyncSync(draft);
      } finally {
        closeSync(draft);
      }
      renameSync(`${file}.new`, file);
    },
    release: () => rmSync(lock, { force: true }),
  };
}

function takeLock(file: string, lock: string): void {
  for (;;) {
    try {
      mkdirSync(dirname(file), { recursive: true });
      const handle = openSync(lock, 'wx');
      writeSync(handle, String(process.pid));
      closeSync(handle);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new StartupError(`cannot write beside the state file ${file}: ${(error as Error).message}`);
      }
    }
    const holder = Number(readFileSync(lock, 'utf8'));
    if (isAlive(holder)) {
      throw new StartupError(
        `the state file ${file} is in use by process ${holder}: stop that pager, choose another --state, ` +
          `or delete ${lock} if that process is no pager`,
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

function read(file: string): PagerState | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StartupError(`cannot read ${file}: ${(error as Error).message}`);
  }
  const advice = 'delete it to start afresh, or choose another --state';
  let state: unknown;
  try {
    state = JSON.parse(text);
  } catch {
    throw new StartupError(`${file} is not JSON, so it is not the state of a pager: ${advice}`);
  }
  if (typeof state !== 'object' || state === null || !('version' in state)) {
    throw new StartupError(`${file} is not the state of a pager: ${advice}`);
  }
  if (state.version !== 1) {
    throw new StartupError(
      `${file} has version ${String(state.version)} and this program reads version 1: ${advice}`,
    );
  }
  return state as PagerState;
}
