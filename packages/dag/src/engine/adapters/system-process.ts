import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Tells owners of runs apart, and whether one of them is certainly gone. */
export interface Processes {
  /** This process. */
  readonly self: string;
  /** True only when it is certain: the same machine, the same view of processes, and no such process any more. */
  isGone(process: string): boolean;
  /**
   * Whether the machine has been started anew since: no monotonic clock reaches back there, and the wall clock judges.
   *
   * @defaultValue it has not
   */
  isOfEarlierBoot?(process: string): boolean;
}

/**
 * Processes of this machine. Knowing that an owner is dead makes a restart resume at once instead of waiting for its
 * lease; a wrong answer would only cost a takeover, which is fenced.
 */
export function createSystemProcesses(): Processes {
  const boot = read('/proc/sys/kernel/random/boot_id');
  const place = [hostname(), boot, link('/proc/self/ns/pid')].join('/');
  return {
    self: `${place}#${process.pid}#${startOf(process.pid)}`,
    isGone: (other) => {
      const [otherPlace, pid, start] = other.split('#');
      if (otherPlace !== place || pid === undefined) return false;
      if (!exists(Number(pid)) || hasEnded(Number(pid))) return true;
      const now = startOf(Number(pid));
      return start !== undefined && start !== '' && now !== '' && start !== now;
    },
    isOfEarlierBoot: (other) => other.split('/')[1] !== boot,
  };
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** It runs no more, and its parent has not looked yet: its id is still taken. */
function hasEnded(pid: number): boolean {
  return ['Z', 'X'].includes(fieldsOf(pid)[0] ?? '');
}

/** Start time of a process in clock ticks: tells a reused id from the process that had it before. */
function startOf(pid: number): string {
  return fieldsOf(pid)[19] ?? '';
}

/** What the system says about a process, behind its name: the state comes first. */
function fieldsOf(pid: number): readonly string[] {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

function link(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
