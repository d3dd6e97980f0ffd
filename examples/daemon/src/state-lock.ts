import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Another daemon uses the state directory. */
export class StateTakenError extends Error {}

/**
 * Claims a state directory for this process; two daemons on one would each have their own locks, limits and budgets.
 *
 * @throws StateTakenError when a process that lives has claimed it.
 */
export function claimStateDirectory(directory: string): { release(): void } {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'daemon.pid');
  if (!tryClaim(file)) {
    const pid = Number(readFileSync(file, 'utf8'));
    // In a container every daemon has the same process number: then the claim is that of its predecessor.
    if (pid !== process.pid && isAlive(pid)) {
      throw new StateTakenError(
        `process ${pid} uses ${directory}: stop it first (or delete ${file}, if that is no daemon)`,
      );
    }
    rmSync(file, { force: true });
    if (!tryClaim(file)) throw new StateTakenError(`another daemon has just claimed ${directory}`);
  }
  return { release: () => rmSync(file, { force: true }) };
}

function tryClaim(file: string): boolean {
  try {
    const handle = openSync(file, 'wx');
    writeSync(handle, String(process.pid));
    closeSync(handle);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
