/**
 * What a plugin is, so that nodes with different code never agree by mistake: its name and a hash of its code. Voters compare
 * the digest of the configuration, and the identity is part of that. Keeps S2 and S15.
 *
 *   a file      the file, what it names by relative paths in its texts, again and again, and name and version of every
 *               package that these import
 *   a package   all of its files, and name and version of what it says it depends on, peer and optional ones included
 *
 * A path that is only put together at run time is not seen. Where a plugin is installed does not matter. Packages of Lazarus
 * are left out, as the version of Lazarus is no part of a configuration.
 */
import type { KnownPlugin } from '@lazarus/core/config';
import { followFiles, sha256 } from './named-files.ts';
import { linesOfFiles } from './package-files.ts';
import type { PluginPlace } from './plugin-place.ts';

/**
 * Name and hash of a plugin as it is on disk now.
 *
 * @throws Error when it has too many files, one cannot be read, or it would run code that is not hashed.
 */
export async function identityOf(place: PluginPlace): Promise<KnownPlugin> {
  const lines = place.kind === 'file' ? await followFiles([place.path]) : await linesOfFiles(place);
  const hash = sha256(lines.join('\n'));
  const version = place.kind === 'file' ? `sha256-${hash}` : `${place.version} sha256-${hash}`;
  return { name: place.name, version };
}
