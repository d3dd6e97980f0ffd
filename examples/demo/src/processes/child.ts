import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What a child needs to start. */
export interface ChildOptions {
  /** For messages and for the name of its log. */
  readonly name: string;
  /** Module specifier of the program, for example `@lazarus/example-fleet-sim/main`. */
  readonly program: string;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly readyWithinMs?: number;
}

/** A running child process. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** The one JSON line that it printed when it was ready. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Resolves with the exit code, or null when a signal ended it. */
  readonly exited: Promise<number | null>;
  readonly isAlive: () => boolean;
  kill(signal: NodeJS.Signals): void;
  /** Asks it to end, and ends it when it does not within 5 s. */
  stop(): Promise<void>;
}

/** A child did not become ready; the message says why and where its log is. */
export class ChildFailedError extends Error {}

/**
 * Starts a program with the same Node and the same conditions as this one, and waits until it says that it is ready. The
 * child ends when its standard input closes, so that it never outlives this process.
 *
 * @throws ChildFailedError when it ends, or says nothing, within `readyWithinMs` (default 30 000).
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const file = fileURLToPath(import.meta.resolve(options.program));
  const child = spawn(process.execPath, [...process.execArgv, file, ...options.args, '--until-stdin-ends'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C reaches this process, which then stops the children in order.
    detached: true,
  });
  const log = createWriteStream(options.logFile, { flags: 'a' });
  const tail: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    tail.push(line);
    if (tail.length > 20) tail.shift();
    log.write(`${line}\n`);
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const ready = await readyLine(child, exited, options, tail);
  return {
    name: options.name,
    pid: child.pid ?? 0,
    ready,
    exited,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    kill: (signal) => void child.kill(signal),
    stop: () => stop(child, exited),
  };
}

function readyLine(
  child: ChildProcess,
  exited: Promise<number | null>,
  options: ChildOptions,
  tail: readonly string[],
): Promise<Record<string, unknown>> {
  const fail = (what: string) =>
    new ChildFailedError(
      [`${options.name} ${what}`, ...tail.map((line) => `  ${line}`), `  log: ${options.logFile}`].join('\n'),
    );
  return new Promise((resolve, reject) => {
    const withinMs = options.readyWithinMs ?? 30_000;
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(fail(`did not become ready within ${withinMs / 1000} s`));
    }, withinMs);
    child.once('error', (error) => reject(fail(`could not be started: ${error.message}`)));
    void exited.then((code) => {
      clearTimeout(timer);
      reject(fail(`ended with exit code ${code ?? 'none'} before it was ready`));
    });
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      clearTimeout(timer);
      resolve(JSON.parse(line) as Record<string, unknown>);
    });
  });
}

async function stop(child: ChildProcess, exited: Promise<number | null>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await exited;
  clearTimeout(timer);
}
