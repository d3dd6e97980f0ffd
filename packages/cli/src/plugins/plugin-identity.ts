/**
 * What a plugin is, so that nodes with different code never agree by mistake: its name and a hash of its code. Voters compare
 * the digest of the configuration, and the identity is part of that. Keeps S2 and S15.
 *
 *   a file      the file, what it names by relative paths in its texts, again and again, and name and version of every
 *               package that these import
 *   a package   all of its files, and name and version of what it depends on
 *
 * Relative paths are found in texts and not by running the code, so that data that a plugin reads beside it counts, too; a
 * path that is only put together at run time is not seen. Paths are relative to the plugin: where it is installed does not
 * matter. Packages of Lazarus are left out, as the version of Lazarus is no part of a configuration.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import type { KnownPlugin } from '@lazarus/core/config';
import { findPackage } from './plugin-place.ts';
import type { PluginPlace } from './plugin-place.ts';

/** Files that are read of one plugin at most: more is a wrong folder, or should be bundled. */
const MAX_FILES = 2_000;

const SCRIPT = /\.[cm]?[jt]s$/;
const RELATIVE = /['"`](\.{1,2}\/[^'"`\n]*)['"`]/g;
const IMPORTED = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*['"]([^'"./][^'"]*)['"]/g;
const ENDINGS = ['', '.js', '.cjs', '.mjs', '.json', '.ts', '/index.js', '/index.cjs'];

/** Name and hash of a plugin as it is on disk now. @throws Error when it has too many files or one cannot be read. */
export async function identityOf(place: PluginPlace): Promise<KnownPlugin> {
  const { files, packages } =
    place.kind === 'file' ? await partsOfFile(place.path) : await partsOfPackage(place);
  const lines = [...files, ...packages].map(([name, content]) => `${JSON.stringify(name)} ${content}`);
  const hash = sha256(lines.sort().join('\n'));
  const version = place.kind === 'file' ? `sha256-${hash}` : `${place.version} sha256-${hash}`;
  return { name: place.name, version };
}

/** Files with the hash of their content, and packages with their version. */
interface Parts {
  readonly files: ReadonlyMap<string, string>;
  readonly packages: ReadonlyMap<string, string>;
}

async function partsOfFile(entry: string): Promise<Parts> {
  const files = new Map<string, string>();
  const packages = new Map<string, string>();
  const seen = new Set([entry]);
  for (const path of seen) {
    requireFew(seen.size, entry);
    const content = await readFile(path);
    files.set(portable(relative(dirname(entry), path)), sha256(content));
    if (!SCRIPT.test(path)) continue;
    const text = content.toString('utf8');
    for (const [, written = ''] of text.matchAll(RELATIVE)) {
      const next = await fileAt(join(dirname(path), written));
      if (next !== undefined) seen.add(next);
    }
    for (const [, specifier = ''] of text.matchAll(IMPORTED))
      await addPackage(packages, packageName(specifier), dirname(path));
  }
  return { files, packages };
}

async function partsOfPackage(place: Extract<PluginPlace, { kind: 'package' }>): Promise<Parts> {
  const files = new Map<string, string>();
  const packages = new Map<string, string>();
  const entries = await readdir(place.folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(place.folder, join(entry.parentPath, entry.name)))
    .filter((path) => !path.split(sep).some((part) => part === 'node_modules' || part.startsWith('.')));
  requireFew(paths.length, place.folder);
  for (const path of paths) files.set(portable(path), sha256(await readFile(join(place.folder, path))));
  for (const name of place.dependencies) await addPackage(packages, name, place.folder);
  return { files, packages };
}

async function addPackage(packages: Map<string, string>, name: string, from: string): Promise<void> {
  if (name === '' || isBuiltin(name) || name.startsWith('@lazarus/') || packages.has(name)) return;
  const found = await findPackage(name, from);
  if (found !== undefined) packages.set(name, found.version);
}

async function fileAt(path: string): Promise<string | undefined> {
  for (const ending of ENDINGS) {
    const isFile = await stat(path + ending).then(
      (found) => found.isFile(),
      () => false,
    );
    if (isFile) return path + ending;
  }
  return undefined;
}

function requireFew(count: number, what: string): void {
  if (count > MAX_FILES)
    throw new Error(`${what} has more than ${MAX_FILES} files: bundle the plugin into one`);
}

/** `node:fs` of `node:fs`, `@a/b` of `@a/b/c`, `a` of `a/b`. */
function packageName(specifier: string): string {
  return /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '';
}

const portable = (path: string): string => path.split(sep).join('/');
const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');
