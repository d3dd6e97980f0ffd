import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CliFailure } from '../cli-failure.ts';
import { EXIT } from '../exit-code.ts';
import { systemReason } from '../system-reason.ts';

/** Whether a file holds runbook tests: `restart.test.yaml`. A node loads no such file. */
export function isTestFile(name: string): boolean {
  return /\.test\.ya?ml$/.test(name);
}

/**
 * Every file that the paths name, and in folders, at any depth, every YAML file that is wanted, in the order of their names.
 * Folders whose name begins with a dot, and `node_modules`, are left out.
 *
 * @throws CliFailure with exit code 2 when a path is not there or cannot be read.
 */
export async function yamlFiles(
  paths: readonly string[],
  isWanted: (name: string) => boolean,
): Promise<readonly string[]> {
  return [...new Set((await Promise.all(paths.map((path) => filesOf(path, isWanted)))).flat())];
}

async function filesOf(path: string, isWanted: (name: string) => boolean): Promise<readonly string[]> {
  try {
    return (await stat(path)).isDirectory() ? await filesIn(path, isWanted) : [path];
  } catch (error) {
    throw new CliFailure(EXIT.invalid, `${path} could not be read: ${systemReason(error)}`);
  }
}

async function filesIn(folder: string, isWanted: (name: string) => boolean): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const sorted = entries.filter(({ name }) => !name.startsWith('.') && name !== 'node_modules').sort(byName);
  const parts = sorted.map(async (entry): Promise<readonly string[]> => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesIn(path, isWanted);
    return /\.ya?ml$/.test(entry.name) && isWanted(entry.name) ? [path] : [];
  });
  return (await Promise.all(parts)).flat();
}

function byName(left: { readonly name: string }, right: { readonly name: string }): number {
  return left.name < right.name ? -1 : 1;
}
