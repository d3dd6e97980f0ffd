import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { ConfigDocument } from '@lazarus/core/ports';
import { isTestFile, yamlFiles } from './yaml-files.ts';

/** What was found, and what could not be told apart. */
export interface FoundDocuments {
  readonly documents: readonly ConfigDocument[];
  /** Files that look like no document of Lazarus. */
  readonly unknown: readonly string[];
}

/**
 * Reads every YAML file that the paths name, folders at any depth, in the order of their names. Folders whose name begins
 * with a dot, `node_modules`, and files of runbook tests are left out.
 *
 * @throws CliFailure with exit code 2 when a path is not there or cannot be read.
 */
export async function findDocuments(paths: readonly string[]): Promise<FoundDocuments> {
  const files = await yamlFiles(paths, (name) => !isTestFile(name));
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
  [/^(?:mode|modes|defaults|breaker|stale_after|pager):/m, 'settings'],
];

/** The kind of a document: by its folder, as a node reads it, else by its keys. */
function kindOf(path: string, text: string): ConfigDocument['kind'] | undefined {
  const byFolder = FOLDERS[basename(dirname(path))];
  if (byFolder !== undefined) return byFolder;
  if (/^settings\.ya?ml$/.test(basename(path))) return 'settings';
  return TELLING_KEYS.find(([pattern]) => pattern.test(text))?.[1];
}
