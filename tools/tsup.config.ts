/**
 * The one build configuration of every package: ESM with declarations and source maps.
 * Entries come from the package's own `exports` (condition `@lazarus/source`), so a new public entry point
 * is written down once.
 * `build` makes JavaScript and declarations; `bundle` (the same with --no-dts, ten times as fast) is enough to run.
 */
import { readFileSync } from 'node:fs';
import { defineConfig } from 'tsup';

interface Manifest {
  private?: boolean;
  exports: Record<string, string | Record<string, string>>;
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;

const entry: Record<string, string> = {};
for (const target of Object.values(manifest.exports)) {
  const source = typeof target === 'object' ? target['@lazarus/source'] : undefined;
  if (source === undefined) continue;
  entry[source.replace(/^\.\/src\//, '').replace(/\.ts$/, '')] = source;
}

export default defineConfig({
  entry,
  format: ['esm'],
  target: 'es2023',
  platform: 'node',
  outDir: 'dist',
  // Old files go, but for declarations: those have their own step, which clears them itself.
  clean: ['!**/*.d.ts'],
  sourcemap: true,
  splitting: true,
  // A private package is run, not imported.
  dts: manifest.private !== true,
  // Otherwise `node:sqlite` would become `sqlite`, which does not exist.
  removeNodeProtocol: false,
});
