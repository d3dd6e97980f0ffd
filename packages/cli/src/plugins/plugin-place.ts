import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { entryOf } from './package-entry.ts';
import { packageName } from './package-name.ts';

/** Where the code of a plugin really is: links are followed, as Node follows them before it looks for relative imports. */
export type PluginPlace =
  | { readonly kind: 'file'; readonly name: string; readonly path: string }
  | (InstalledPackage & { readonly kind: 'package'; readonly path: string });

/** A package as it is installed. */
export interface InstalledPackage {
  readonly name: string;
  readonly folder: string;
  readonly version: string;
  /** Names of the packages that it depends on, peer and optional ones included, sorted. */
  readonly dependencies: readonly string[];
  /** Its `package.json`. */
  readonly manifest: unknown;
}

/** A name that leads nowhere, in words for whoever wrote it. */
export interface NoPlace {
  readonly missing: string;
}

/**
 * Finds a plugin by what is written: a path (`./x.mjs`, `/opt/x.mjs`, or a file that is there), else the name of a package
 * that is installed where `from` can see it.
 *
 * @param from - Folder that relative paths and packages are looked up from.
 * @throws Error when what is written, or the `package.json` of the package, cannot be read.
 */
export async function findPlugin(written: string, from: string): Promise<PluginPlace | NoPlace> {
  const path = written.startsWith('file:') ? fileURLToPath(written) : resolve(from, written);
  if (await isFile(path)) return { kind: 'file', name: basename(path), path: await realpath(path) };
  if (isPath(written)) return { missing: `is not there: ${path} is no file` };
  const name = packageName(written);
  const found = await findPackage(name, from);
  if (found === undefined)
    return { missing: `is neither a file (${path}) nor a package that is installed for ${resolve(from)}` };
  const entry = entryOf(found.manifest, written.slice(name.length));
  if (entry === undefined)
    return { missing: `is not exported by ${found.folder}/package.json for an import` };
  return { kind: 'package', path: join(found.folder, entry), ...found };
}

/**
 * An installed package: the nearest one of that name in the folders called `node_modules`, from `from` upwards.
 *
 * @throws Error when its `package.json` holds no object.
 */
export async function findPackage(name: string, from: string): Promise<InstalledPackage | undefined> {
  for (let at = resolve(from); ; at = dirname(at)) {
    const folder = join(at, 'node_modules', name);
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
    if (text !== undefined) return readPackage(name, await realpath(folder), text);
    if (at === dirname(at)) return undefined;
  }
}

function readPackage(name: string, folder: string, text: string): InstalledPackage {
  const manifest = readManifest(join(folder, 'package.json'), text);
  const { version, dependencies, peerDependencies, optionalDependencies } = manifest;
  const names = Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies });
  return { name, folder, version: version ?? '0.0.0', dependencies: names.sort(), manifest };
}

type Manifest = Partial<
  { readonly version: string } & Readonly<
    Record<'dependencies' | 'peerDependencies' | 'optionalDependencies', Readonly<Record<string, string>>>
  >
>;

function readManifest(path: string, text: string): Manifest {
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} is no JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  if (typeof manifest !== 'object' || manifest === null) throw new Error(`${path} holds no object`);
  return manifest;
}

function isPath(written: string): boolean {
  return isAbsolute(written) || /^\.{1,2}[/\\]|^file:|\.[cm]?[jt]s$/.test(written);
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
