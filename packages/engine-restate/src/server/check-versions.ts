import { ConfigurationError } from '@lazarus/core';
import type { RestateServers } from './restate-servers.ts';
import { messageOf } from './restate-servers.ts';

/** Versions that this engine was made for: from the first, and below the second. */
const SUPPORTED = {
  server: ['1.7.0', '2.0.0'],
  sdk: ['1.17.0', '2.0.0'],
  node: ['22.13.0', '1000.0.0'],
} as const;

/** What was found in this process. */
export interface OwnVersions {
  readonly node: string;
  readonly sdk: string;
}

/**
 * Refuses a process that could only fail later. The SDK on an old Node would fail every run, and the server would retry
 * for ever.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 */
export function checkOwnVersions({ node, sdk }: OwnVersions): void {
  if (!isWithin(node, SUPPORTED.node))
    throw refusal(
      `Node ${node} is too old for the SDK of Restate: run this process on Node ${SUPPORTED.node[0]} or later`,
    );
  if (!isWithin(sdk, SUPPORTED.sdk))
    throw refusal(
      `@restatedev/restate-sdk ${sdk} is not one this engine was made for: install a version from ${SUPPORTED.sdk[0]} and below ${SUPPORTED.sdk[1]}`,
    );
}

/**
 * Looks at every server that answers; resolves with their versions. A server that does not answer is no mistake as long
 * as another one does.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`: a wrong address, a version that does not fit.
 * @throws PortError `LZ_JOURNAL_UNAVAILABLE`: no server answers.
 */
export async function checkServers(servers: RestateServers): Promise<readonly string[]> {
  const found = await Promise.allSettled(servers.all.map((server) => checkServer(servers, server)));
  const failed = found.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
  const wrong = failed.find((error) => error instanceof ConfigurationError);
  if (wrong !== undefined) throw wrong;
  const versions = found.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  if (versions.length === 0 && failed[0] !== undefined) throw failed[0];
  return versions;
}

async function checkServer(servers: RestateServers, server: RestateServers['all'][number]): Promise<string> {
  const about = await servers.askOne(server, { to: 'admin', path: '/version' });
  const version = (about.body as { readonly version?: unknown } | null)?.version;
  if (about.status !== 200 || typeof version !== 'string')
    throw refusal(
      `${server.adminUrl} answers, but not as the admin interface of Restate does (${about.status} ${messageOf(about)}): give the address of the admin interface, port 9070 by default`,
    );
  const [oldest, tooNew] = SUPPORTED.server;
  if (compare(version, oldest) < 0)
    throw refusal(
      `Restate ${version} at ${server.adminUrl} is too old: upgrade the server to ${oldest} or later`,
    );
  if (compare(version, tooNew) >= 0)
    throw refusal(
      `Restate ${version} at ${server.adminUrl} is newer than this engine knows: use a server below ${tooNew}, or a newer @lazarus/engine-restate`,
    );
  const ingress = await servers.askOne(server, { to: 'ingress', path: '/restate/health' });
  if (ingress.status !== 200)
    throw refusal(
      `${server.ingressUrl} answers, but not as the ingress of Restate does (${ingress.status} ${messageOf(ingress)}): give the address of the ingress, port 8080 by default`,
    );
  return version;
}

const refusal = (summary: string): ConfigurationError =>
  new ConfigurationError({ code: 'LZ_OPTION_INVALID', summary, issues: [] });

const isWithin = (version: string, [from, below]: readonly [string, string]): boolean =>
  compare(version, from) >= 0 && compare(version, below) < 0;

/** Compares `1.17.2` with `1.7.0`; what comes after a dash is left out. */
function compare(left: string, right: string): number {
  const numbers = (version: string): readonly number[] =>
    (version.replace(/^v/, '').split('-')[0] ?? '').split('.').map(Number);
  const [a, b] = [numbers(left), numbers(right)];
  for (let index = 0; index < 3; index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
