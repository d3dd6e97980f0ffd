import { existsSync, readFileSync } from 'node:fs';

/** A real server that the world needs is not on this machine; the message says how to get it. */
export class ServerMissingError extends Error {}

/** Where redis-server is. */
export interface RedisProgram {
  readonly binary: string;
  readonly libraryPath: string;
}

interface Registry {
  readonly redisServer?: string;
  readonly ldLibraryPath?: string;
  readonly missing?: Readonly<Record<string, string>>;
}

/**
 * Looks into the list of servers that was written when they were last looked for.
 *
 * @throws ServerMissingError when there is no redis-server.
 */
export function findRedis(registryFile: string): RedisProgram {
  const registry = existsSync(registryFile)
    ? (JSON.parse(readFileSync(registryFile, 'utf8')) as Registry)
    : undefined;
  if (registry?.redisServer !== undefined)
    return { binary: registry.redisServer, libraryPath: registry.ldLibraryPath ?? '' };
  const why = registry?.missing?.['redisServer'] ?? `nobody looked for it yet (${registryFile} is not there)`;
  throw new ServerMissingError(
    [
      `three processes need a redis-server, and there is none: ${why}`,
      '  install it (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis), then run this again',
      '  without Redis, npm start runs the three nodes in one process',
    ].join('\n'),
  );
}
