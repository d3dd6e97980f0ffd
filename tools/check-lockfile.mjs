// The lockfile must work on every platform and on every registry: each optional (platform) package has an entry
// of its own, otherwise `npm ci` fails on machines of another kind, no entry names a registry host, and
// the manifests say the same.
// Usage, in the folder to check: node tools/check-lockfile.mjs
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const problems = [];

/** Finds a dependency the way Node does: in the nearest node_modules, from the inside out. */
function isLocked(from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    const inside = folder.length > 0 && !folder.endsWith('/') ? `${folder}/` : folder;
    if (lock.packages[`${inside}node_modules/${name}`] !== undefined) return true;
    if (folder === '') return false;
    if (!folder.includes('node_modules/')) folder = 'node_modules/';
  }
}

for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (!isLocked(path, name))
      problems.push(`${path || 'the root'} names ${name}@${range}, which has no entry of its own`);
  }
  if (typeof entry.resolved === 'string' && entry.resolved.includes('://')) {
    problems.push(`${path} names a registry host (${entry.resolved})`);
  }
}

/** `npm ci` refuses a lockfile that does not say what the manifests say. */
for (const [folder, entry] of Object.entries(lock.packages)) {
  const manifestFile = join(folder, 'package.json');
  if (folder.includes('node_modules') || !existsSync(manifestFile)) continue;
  const manifest = JSON.parse(readFileSync(manifestFile, 'utf8'));
  for (const kind of ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies']) {
    const names = new Set([...Object.keys(manifest[kind] ?? {}), ...Object.keys(entry[kind] ?? {})]);
    for (const name of names) {
      if (manifest[kind]?.[name] === entry[kind]?.[name]) continue;
      problems.push(
        `${manifestFile} and the lockfile disagree about ${name}; run npm install and commit the lockfile`,
      );
    }
  }
}

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(`${Object.keys(lock.packages).length} entries, complete for every platform`);
