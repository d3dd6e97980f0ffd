// The published packages of this repository.
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, runCommand } from './run-command.mjs';

/** Folder, name and manifest of every package that is published. */
export function publishedPackages() {
  return readdirSync(join(root, 'packages'))
    .map((name) => join('packages', name))
    .map((folder) => ({
      folder,
      manifest: JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')),
    }))
    .filter(({ manifest }) => manifest.private !== true)
    .map(({ folder, manifest }) => ({ folder, name: manifest.name, manifest }));
}

/**
 * Packs every published package, as `npm publish` would, into one folder.
 * @returns {Promise<{ name: string, file: string, files: string[] }[]>} tarball and content of each package
 */
export async function packAll(destination) {
  rmSync(destination, { recursive: true, force: true });
  mkdirSync(destination, { recursive: true });
  const workspaces = publishedPackages().flatMap(({ folder }) => ['-w', folder]);
  const { code, output } = await runCommand('npm', [
    'pack',
    '--json',
    '--loglevel=error',
    '--ignore-scripts',
    '--pack-destination',
    destination,
    ...workspaces,
  ]);
  if (code !== 0) throw new Error(`npm pack failed\n${output}`);
  return parsePacked(output).map(({ name, filename, files }) => ({
    name,
    file: join(destination, filename),
    files: files.map(({ path }) => path),
  }));
}

/** npm prints a list, or since version 12 an object keyed by name; warnings may stand before it. */
function parsePacked(output) {
  const parsed = JSON.parse(output.slice(output.search(/^[[{]/m)));
  return Array.isArray(parsed) ? parsed : Object.values(parsed);
}
