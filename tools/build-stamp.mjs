// Tells whether a build would change anything. nx takes the files of a build away for a moment while it restores them from
// its cache, also from under programs that run; so a build that would change nothing is not asked for.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const FOLDERS = ['packages', 'examples'];
const TOOLCHAIN = ['package-lock.json', 'tsconfig.base.json', 'tools/tsup.config.ts'];
const LEFT_OUT = new Set(['node_modules', 'test']);

/** Files below a folder, in a fixed order; those that a build neither reads nor writes are left out. */
function* filesBelow(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (LEFT_OUT.has(entry.name) || entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

/** A digest of the names, sizes and times of everything that goes into a build or comes out of it. */
function digestOf(root) {
  const hash = createHash('sha256').update(process.version);
  const files = [...FOLDERS.flatMap((folder) => [...filesBelow(join(root, folder))])];
  for (const file of [...files, ...TOOLCHAIN.map((name) => join(root, name))]) {
    const { size, mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? {};
    hash.update(`${file}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** The stamp of one build: `name` says what was built. */
export function buildStamp(root, name) {
  const file = join(root, '.cache', `built-${name.replace(/\W+/g, '-')}`);
  return {
    /** Nothing has changed since {@link set}. */
    isSet: () => existsSync(file) && readFileSync(file, 'utf8') === digestOf(root),
    set: () => {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, digestOf(root));
    },
  };
}
