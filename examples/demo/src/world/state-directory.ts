import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Format of what a start leaves behind; grows when a later version cannot continue from it. */
const FORMAT = 2;

/** State that another version left behind, that another start is using, or that cannot be written. */
export class StateInUseError extends Error {}

/** A directory for everything that a start keeps. */
export interface StateDirectory {
  readonly path: string;
  /** True when an earlier start left its state here and this one continues from it. */
  readonly isOld: boolean;
  /** Says who uses it, until {@link StateDirectory.release}. */
  release(): void;
}

/** A directory that goes away with the demo. */
export function temporaryState(): StateDirectory {
  const path = mkdtempSync(join(tmpdir(), 'lazarus-demo-'));
  return { path, isOld: false, release: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/**
 * A directory that stays.
 *
 * @throws StateInUseError when another start uses it, when another version left it, when it cannot be written, or when
 * `fresh` would remove what no start has left there.
 */
export function keptState(path: string, options: { readonly fresh: boolean }): StateDirectory {
  try {
    return openState(path, options);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new StateInUseError(
      `${path} cannot hold the state (${code}): pass --state DIR with another folder`,
    );
  }
}

function openState(path: string, options: { readonly fresh: boolean }): StateDirectory {
  const pidFile = join(path, 'start.pid');
  const user = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : undefined;
  if (user !== undefined && isAlive(user)) {
    throw new StateInUseError(
      `another start (process ${user}) uses ${path}: stop it first, or pass --state DIR`,
    );
  }
  if (options.fresh) requireOurs(path);
  if (options.fresh) rmSync(path, { recursive: true, force: true });
  const isOld = existsSync(join(path, 'format'));
  if (isOld) requireFormat(path);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'format'), `${FORMAT}\n`);
  writeFileSync(pidFile, `${process.pid}\n`);
  return { path, isOld, release: () => rmSync(pidFile, { force: true }) };
}

/** A folder that somebody named by mistake is not removed. */
function requireOurs(path: string): void {
  if (!existsSync(path) || existsSync(join(path, 'format')) || readdirSync(path).length === 0) return;
  throw new StateInUseError(
    `${path} holds files that no start has left: --fresh does not remove them, pass --state DIR`,
  );
}

function requireFormat(path: string): void {
  const format = readFileSync(join(path, 'format'), 'utf8').trim().slice(0, 20);
  if (format === String(FORMAT)) return;
  throw new StateInUseError(
    `${path} was left by another version (format ${format}, this one has ${FORMAT}): pass --fresh to begin anew`,
  );
}

function isAlive(pid: number): boolean {
  // 0 is what an empty file reads as, and stands for ourselves.
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process with this number: not ours, but there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
