import { ServerMissingError } from '../world/servers.ts';
import { StateInUseError } from '../world/state-directory.ts';
import { ChildFailedError } from './child.ts';

/** Arguments that a program cannot be started with; the message says which. */
export class UsageError extends Error {}

/** Resolves when the program is asked to end. */
export function askedToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve());
  });
}

/** @throws UsageError when it is no port that leaves room for `count` ports in all. */
export function parseFirstPort(text: string, count: number): number {
  const port = Number(text);
  const last = 65_536 - count;
  if (text.trim() !== '' && Number.isInteger(port) && port >= 0 && port <= last) return port;
  throw new UsageError(`--port ${text} is no port, expected 0 to ${last}`);
}

/**
 * Runs a program to its end and exits: 0, or the code that it resolves with; 2 for wrong arguments, 1 for anything else
 * that went wrong, with one line that says what.
 */
export async function runProgram(name: string, program: () => Promise<unknown>): Promise<never> {
  try {
    const code = await program();
    process.exit(typeof code === 'number' ? code : 0);
  } catch (error) {
    process.stderr.write(`${name}: ${messageOf(error)}\n`);
    process.exit(isUsage(error) ? 2 : 1);
  }
}

const isUsage = (error: unknown): boolean =>
  error instanceof UsageError ||
  (error instanceof TypeError &&
    String((error as { readonly code?: unknown }).code).startsWith('ERR_PARSE_ARGS'));

function messageOf(error: unknown): string {
  if (isUsage(error)) return `${(error as Error).message} (see --help)`;
  const isExpected =
    error instanceof ChildFailedError ||
    error instanceof StateInUseError ||
    error instanceof ServerMissingError;
  return isExpected ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
}
