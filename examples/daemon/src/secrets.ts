import { readFile } from 'node:fs/promises';
import type { Settings } from './settings.ts';

/** What must never be logged or recorded. */
export interface Secrets {
  readonly pagerToken: string;
  /** Bearer tokens of the API; empty where none are asked for. */
  readonly tokens: readonly string[];
}

/** Reads the files that the settings name. */
export async function readSecrets({ pager, auth }: Settings): Promise<Secrets> {
  const [pagerToken = ''] = await linesOf(pager.token_file);
  return { pagerToken, tokens: auth === undefined ? [] : await linesOf(auth.token_file) };
}

/** The lines of a file of secrets, without blank ones. */
export async function linesOf(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8');
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
