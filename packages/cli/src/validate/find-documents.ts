import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ConfigDocument } from '@lazarus/core/ports';
import { CliFailure } from '../cli-failure.ts';
import { EXIT } from '../exit-code.ts';

/** What was found, and what could not be told apart. */
export interface FoundDocuments {
  readonly documents: readonly ConfigDocument[];
  /** Files that look like no document of Lazarus. */
  readonly unknown: readonly string[];
}

/**
 * Reads every YAML file that the paths name, folders at any depth, in the order of their names. Folders whose name begins
 * with a dot, and `node_modules`, are left out.
 *
 * @throws CliFailure with exit code 2 when a path is not there or cannot be read.
 */
export async function findDocuments(paths: readonly string[]): Promise<FoundDocuments> {
  const files = [...new Set((await Promise.all(paths.map(filesOf))).flat())];
  const texts = await Promise.all(files.map(async (path) => ({ path, text: await readFile(path, 'utf8') })));
  const documents: ConfigDocument[] = [];
  const unknown: string[] = [];
  for (const { path, text } of texts) {
    const kind = kindOf(path, text);
    if (kind === undefined) unknown.push(path);
    else documents.push({ kind, path, text });
  }
  return { documents, unknown };
}

async function filesOf(path: string): Promise<readonly string[]> {
  try {
    return (await stat(path)).isDirectory() ? await filesIn(path) : [path];
  } catch (error) {
    throw new CliFailure(
      EXIT.invalid,
      `${path} could not be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}`,
    );
  }
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const sorted = entries.filter(({ name }) => !name.startsWith('.') && name !== 'node_modules').sort(byName);
  const parts = sorted.map(async (entry): Promise<readonly string[]> => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesIn(path);
    return /\.ya?ml$/.test(entry.name) ? [path] : [];
  });
  return (await Promise.all(parts)).flat();
}

function byName(left: { readonly name: string }, right: { readonly name: string }): number {
  return left.name < right.name ? -1 : 1;
}

const FOLDERS: Readonly<Record<string, ConfigDocument['kind']>> = {
  rules: 'rule',
  profiles: 'profile',
  services: 'service',
  workflows: 'workflow',
};

/** Keys that only one kind of document has, the most telling first. */
const TELLING_KEYS: readonly (readonly [RegExp, ConfigDocument['kind']])[] = [
  [/^kind:\s*['"]?Workflow\b/m, 'workflow'],
  [/^steps:/m, 'workflow'],
  [/^criteria:/m, 'rule'],
  [/^service:/m, 'service'],
  [/^profile:/m, 'profile'],
  [/^(?:mode|modes|defaults|breaker|limiter|stale_after):/m, 'settings'],
];

/** The kind of a document: by its folder, as a node reads it, else by its keys. */
function kindOf(path: string, text: string): ConfigDocument['kind'] | undefined {
  const byFolder = FOLDERS[basename(dirname(path))];
  if (byFolder !== undefined) return byFolder;
  if (/^settings\.ya?ml$/.test(basename(path))) return 'settings';
  return TELLING_KEYS.find(([pattern]) => pattern.test(text))?.[1];
}
