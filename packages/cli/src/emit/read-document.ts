import { readFile } from 'node:fs/promises';
import { CliFailure } from '../cli-failure.ts';
import { EXIT } from '../exit-code.ts';
import type { Terminal } from '../terminal.ts';
import { parseJson } from './event-from-options.ts';
import { systemReason } from '../system-reason.ts';

/**
 * Reads a JSON document from a file, or from standard input for `-`.
 *
 * @throws CliFailure with exit code 2 when it cannot be read or is not JSON.
 */
export async function readDocument(file: string, terminal: Terminal): Promise<unknown> {
  if (file === '-') return parseJson(await terminal.readInput(), 'standard input');
  return parseJson(await readText(file), file);
}

/** @throws CliFailure with exit code 2 when the file cannot be read. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CliFailure(EXIT.invalid, `${file} could not be read: ${systemReason(error)}`);
  }
}
