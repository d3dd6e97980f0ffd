/**
 * The files that a file of a plugin names, and the packages that these import, found in texts and not by running the code: so
 * data that a plugin reads beside it counts, too.
 *
 *   1. A path counts where Node reads it: links are followed first, as relative imports start from where a file really is.
 *   2. What is hashed is which file a text means by which words, not where the files are: a link that leads elsewhere makes a
 *      difference, a plugin that is installed elsewhere does not.
 *   3. An import that leads neither to a relative path nor to a package is refused: its code would not be hashed.
 */
import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { packageName } from './package-name.ts';
import { findPackage } from './plugin-place.ts';

/** Files and folders that are read of one plugin at most: more is a wrong folder, or should be bundled. */
const MAX_FILES = 2_000;

/** Nothing in them is an import; files without an ending, or with another one, can be code. */
const DATA = /\.(?:json|ya?ml|csv|tsv|txt|md|html?|wasm|node)$/i;
const RELATIVE = /['"`](\.{1,2}(?:\/[^'"`\n]*)?)['"`]/g;
const GAP = String.raw`(?:\s|/\*[^]*?\*/|//[^\n]*\n)*`;
const IMPORTED = new RegExp(
  String.raw`(?:\bfrom${GAP}|\b(?:import(?:\.meta\.resolve)?|require(?:\.resolve)?)${GAP}(?:\(${GAP})?)['"\`]([^'"\`\n]+)['"\`]`,
  'g',
);
const ENDINGS = [
  '',
  '.js',
  '.cjs',
  '.mjs',
  '.json',
  '.node',
  '.ts',
  '/index.js',
  '/index.cjs',
  '/index.json',
];

/**
 * One line for each file, each name that leads from one to another, and each package: the same lines mean the same code.
 *
 * @param entries - Real paths to begin with; their order counts.
 * @throws Error when there are too many, one cannot be read, or an import is neither relative nor of a package.
 */
export async function followFiles(entries: readonly string[]): Promise<readonly string[]> {
  const lines: string[] = [];
  const numbers = new Map(entries.map((path, index) => [path, index]));
  const numberOf = (path: string): number => {
    const number = numbers.get(path) ?? numbers.size;
    numbers.set(path, number);
    return number;
  };
  for (const [path, number] of numbers) {
    requireFew(numbers.size, path);
    const content = await readFile(path);
    lines.push(`file ${number} ${sha256(content)}`);
    const text = content.toString('utf8');
    for (const { words, real } of await namedIn(text, dirname(path)))
      lines.push(`names ${number} ${JSON.stringify(words)} ${numberOf(real)}`);
    for (const name of packagesOf(text, path))
      lines.push(...(await linesOfPackage(name, dirname(path), `of ${number} `)));
  }
  return lines;
}

/** A line for an installed package, none for one of Lazarus, as the version of Lazarus is no part of a configuration. */
export async function linesOfPackage(name: string, from: string, prefix: string): Promise<readonly string[]> {
  if (name === '' || isBuiltin(name) || name.startsWith('@lazarus/')) return [];
  const found = await findPackage(name, from);
  return found === undefined ? [] : [`package ${prefix}${JSON.stringify([name, found.version])}`];
}

/** @throws Error when a plugin has more files and folders than are read of one. */
export function requireFew(count: number, what: string): void {
  if (count > MAX_FILES)
    throw new Error(`${what} has more than ${MAX_FILES} files: bundle the plugin into one`);
}

/** The hash of a content. */
export const sha256 = (content: string | Buffer): string =>
  createHash('sha256').update(content).digest('hex');

/** A file that a text names: its words with the ending that they lack, and where it really is. */
interface Named {
  readonly words: string;
  readonly real: string;
}

async function namedIn(text: string, folder: string): Promise<readonly Named[]> {
  const named: Named[] = [];
  for (const written of new Set([...text.matchAll(RELATIVE)].map(([, words = '']) => words)))
    for (const words of readingsOf(written)) {
      const real = await realFile(join(folder, words));
      if (real !== undefined) named.push({ words, real });
    }
  return named;
}

/** Every file that the words can mean: as a path and as a URL, with each ending that may be left out. */
function readingsOf(written: string): ReadonlySet<string> {
  const readings = [written, decoded(written.replace(/[?#].*$/, ''))];
  return new Set(ENDINGS.flatMap((ending) => readings.map((reading) => reading + ending)));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function realFile(path: string): Promise<string | undefined> {
  if (path.includes('\0')) return undefined;
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  return isFile ? realpath(path) : undefined;
}

function packagesOf(text: string, path: string): ReadonlySet<string> {
  if (DATA.test(path)) return new Set();
  const specifiers = [...text.matchAll(IMPORTED)].map(([, specifier = '']) => specifier);
  const refused = specifiers.find((specifier) => /^(?:[/\\#]|file:|[a-z]:[\\/])/i.test(specifier));
  if (refused !== undefined)
    throw new Error(
      `${basename(path)} imports "${refused}", which nodes could not compare: use a relative path or the name of a package`,
    );
  return new Set(specifiers.filter((specifier) => !specifier.startsWith('.')).map(packageName));
}
