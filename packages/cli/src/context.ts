import { readFile } from 'node:fs/promises';
import { CliFailure } from './cli-failure.ts';
import type { Client } from './client/client.ts';
import { EXIT } from './exit-code.ts';
import type { Terminal } from './terminal.ts';
import { systemReason } from './system-reason.ts';

/** Longest wait for an answer that the node has at hand, milliseconds. */
const ANSWER_TIMEOUT_MS = 10_000;

/** Options that every command takes. */
export interface GlobalOptions {
  readonly url: string;
  readonly tokenFile?: string;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** What a verb works with. */
export interface Context {
  readonly terminal: Terminal;
  /** A client of the node that the options name, with the wait that suits the command unless `--timeout` says another. */
  connect(timeoutMs?: number): Promise<Client>;
}

/** Creates the context of one command. The client is loaded only when a command asks for it. */
export function createContext(terminal: Terminal, options: GlobalOptions): Context {
  return {
    terminal,
    async connect(timeoutMs = ANSWER_TIMEOUT_MS) {
      const { createClient } = await import('./client/client.ts');
      const token = await readToken(options.tokenFile, terminal.env);
      return createClient({
        url: options.url,
        token,
        timeoutMs: options.timeout ?? timeoutMs,
        signal: terminal.signal,
      });
    },
  };
}

/** The token of a file, or of the environment; never of the command line, which everybody on the machine can read. */
async function readToken(file: string | undefined, env: Terminal['env']): Promise<string | undefined> {
  if (file === undefined)
    return env.LAZARUS_TOKEN === undefined || env.LAZARUS_TOKEN === ''
      ? undefined
      : checkedToken('LAZARUS_TOKEN', env.LAZARUS_TOKEN);
  let text;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new CliFailure(EXIT.invalid, `--token-file: ${file} could not be read: ${systemReason(error)}`);
  }
  return checkedToken(`--token-file: ${file}`, text.trim());
}

/** The token, when it can stand in a header at all; what it holds instead is not repeated, as it may be a secret. */
function checkedToken(from: string, token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  const held = token === '' ? 'is empty' : 'holds no token';
  throw new CliFailure(EXIT.invalid, `${from} ${held}, expected one line of printable ASCII without spaces`);
}

/** Writes a line. */
export function print(terminal: Terminal, text: string): void {
  terminal.out(`${text}\n`);
}

/** Writes a value as indented JSON. */
export function printJson(terminal: Terminal, value: unknown): void {
  terminal.out(`${JSON.stringify(value, null, 2)}\n`);
}
