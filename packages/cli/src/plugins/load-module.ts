import { setTimeout as sleep } from 'node:timers/promises';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isLazarusError } from '@lazarus/core';
import type { ConfigurationError, Issue } from '@lazarus/core';

/**
 * Imports a module of a plugin. The timer keeps the process alive: a module that waits for what never comes would end it
 * without a word.
 *
 * @param timeoutMs - Longest that it may take, milliseconds.
 * @throws Error when it takes longer, or whatever the module throws.
 */
export async function loadModule(path: string, timeoutMs: number): Promise<unknown> {
  const end = new AbortController();
  const tooLate = sleep(timeoutMs, undefined, { signal: end.signal }).then(() => {
    throw new Error(`it did not end loading within ${timeoutMs / 1_000} s`);
  });
  try {
    return await Promise.race([import(pathToFileURL(path).href) as Promise<unknown>, tooLate]);
  } finally {
    tooLate.catch(() => undefined);
    end.abort();
  }
}

/**
 * What was thrown while a plugin was loaded, without a stack: every issue of a definition, else one line, with the place when
 * it is in the folder of the plugin.
 *
 * @param path - Its module, when it was found.
 */
export function problemsOf(error: unknown, path: string | undefined): readonly Issue[] {
  const place = placeOf(error, path);
  const issues = isLazarusError(error) ? ((error as Partial<ConfigurationError>).issues ?? []) : [];
  if (issues.length === 0) return [{ path: '', message: `could not be loaded: ${oneLine(error)}${place}` }];
  const summary = oneLine(error, '').replace(/:$/, '');
  return issues.map(({ path: part, message, hint }) => ({
    path: '',
    message: `could not be loaded: ${summary}: ${[part, message].filter((text) => text !== '').join(' ')}${place}`,
    ...(hint === undefined ? {} : { hint }),
  }));
}

function oneLine(error: unknown, name = nameOf(error)): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return `${name}${line}`;
}

const nameOf = (error: unknown): string =>
  error instanceof Error && error.name !== 'Error' ? `${error.name}: ` : '';

/** The first place of a stack in the folder of the plugin; what is thrown around it has its place in Lazarus. */
function placeOf(error: unknown, path: string | undefined): string {
  if (path === undefined || !(error instanceof Error)) return '';
  const folder = `${pathToFileURL(dirname(path)).href}/`;
  const places = [...(error.stack ?? '').matchAll(/file:\/\/\S+?:\d+/g)].map(([place]) => place);
  const own = places.find((place) => place.startsWith(folder));
  return own === undefined ? '' : ` (${own.slice('file://'.length)})`;
}
