import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { followFiles, linesOfPackage, requireFew, sha256 } from './named-files.ts';
import type { PluginPlace } from './plugin-place.ts';

/** Folders that are no part of a package: what it depends on counts by name and version. */
const LEFT_OUT: ReadonlySet<string> = new Set(['node_modules', '.git']);

/**
 * One line for each file of a package, links read as what they lead to, and for each package that it says it depends on. A
 * link that leads out of it brings what is named there: Node goes on from where a file really is.
 *
 * @throws Error when there are too many, one cannot be read, or the module that is imported is none of them.
 */
export async function linesOfFiles(
  place: Extract<PluginPlace, { kind: 'package' }>,
): Promise<readonly string[]> {
  const files = await filesIn(place.folder);
  const entry = portable(relative(place.folder, place.path));
  if (!files.has(entry))
    throw new Error(`its entry ${entry} is no file of the package outside of node_modules and .git`);
  const paths = [...files].sort(([left], [right]) => (left < right ? -1 : 1));
  const lines: string[] = [];
  for (const [path, real] of paths) lines.push(`${JSON.stringify(path)} ${sha256(await readFile(real))}`);
  for (const name of place.dependencies) lines.push(...(await linesOfPackage(name, place.folder, '')));
  const own = new Set(paths.map(([path]) => join(place.folder, path)));
  const outside = new Set(paths.map(([, real]) => real).filter((real) => !own.has(real)));
  return [...lines, ...(await followFiles([...outside]))];
}

/** Paths in the folder, with `/`, and where each file really is. */
async function filesIn(folder: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  let entries = 0;
  async function visit(at: string, above: readonly string[]): Promise<void> {
    const here = await realpath(at);
    // A link to a folder that it is in: everything there has been seen already.
    if (above.includes(here)) return;
    for (const name of await readdir(at)) {
      if (LEFT_OUT.has(name)) continue;
      requireFew(++entries, folder);
      const path = join(at, name);
      const found = await followed(path);
      if (found?.isDirectory()) await visit(path, [...above, here]);
      else if (found?.isFile()) files.set(portable(relative(folder, path)), await realpath(path));
    }
  }
  await visit(folder, []);
  return files;
}

/** What a path leads to; `undefined` for a link that leads nowhere. */
async function followed(path: string) {
  return stat(path).catch((error: unknown) => {
    const { code } = error as { readonly code?: string };
    if (code === 'ENOENT' || code === 'ELOOP') return undefined;
    throw error;
  });
}

const portable = (path: string): string => path.split(sep).join('/');
