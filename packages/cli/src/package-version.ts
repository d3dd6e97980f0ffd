import { readFileSync } from 'node:fs';

// From the sources as from the build, the manifest is beside the folder that this file is in.
const MANIFEST = new URL('../package.json', import.meta.url);

/** The version of this package. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(MANIFEST, 'utf8')) as { version: string }).version;
}
