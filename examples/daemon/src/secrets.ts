import { readFile } from 'node:fs/promises';
import type { Settings } from './settings.ts';
import { unreadable } from './unreadable-file.ts';

/** What must never be logged or recorded. */
export interface Secrets {
  readonly pagerToken: string;
  /** Bearer tokens of the API; empty where none are asked for. */
  readonly tokens: readonly string[];
}

/** Reads the files that the settings name. */
export async function readSecrets({ pager, auth }: Settings): Promise<Secrets> {
  const [pagerToken = ''] = await secretOf('pager.token_file', pager.token_file);
  return { pagerToken, tokens: auth === undefined ? [] : await secretOf('auth.token_file', auth.token_file) };
}

/** Reads a file, and says which setting names it when it cannot. @throws PortError `LZ_CONFIG_UNREADABLE`. */
async function secretOf(setting: string, file: string): Promise<readonly string[]> {
  return linesOf(file).catch((error: unknown) => {
    throw unreadable(`${setting} of the settings`, file, error);
  });
}

/** The lines of a file of secrets, without blank ones. */
export async function linesOf(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8');
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
