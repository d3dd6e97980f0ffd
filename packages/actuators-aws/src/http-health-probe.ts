/**
 * Probes healthchecks over HTTP from the zone of this node.
 *
 * The URL comes from the provider's inventory, and inventory is data, too: whoever may tag a host must not be able to make
 * a node ask anything else. Only `http:` and `https:`, no credentials, only addresses of the allowed subnets and never
 * link-local ones, checked after the name was resolved and for the very connection that is made. Redirects are not
 * followed: they are an answer that is not OK. Each probe opens a connection of its own, because a kept one would not
 * notice that nobody accepts new ones.
 *
 * A probe that could not be made is an error, not a host that is down: a node without sockets or without a name server
 * must not vote for replacing the fleet. Keeps S2 and S8.
 */
import type { Clock, HealthProbe, HealthReport, Host } from '@lazarus/core/ports';
import type { LookupAddress } from 'node:dns';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { BlockList, isIP, type LookupFunction } from 'node:net';

import { createSystemClock, PortError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import { isTimeout, withTimeout } from '@lazarus/core/time';
import { z } from 'zod';

import { isLinkLocal } from './link-local.ts';

const Subnet = z.string().regex(/^[0-9a-fA-F.:]+\/\d{1,3}$/, 'a subnet looks like 10.0.0.0/8');

/** Addresses that belong to nobody's internet: private, shared, loopback. */
const PRIVATE = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '::1/128',
  'fc00::/7',
];

/** Options of {@link createHttpHealthProbe}. */
export const HttpHealthProbeOptions = z.strictObject({
  /** Availability zone in which this node runs. */
  zone: z.string().min(1),
  /** Subnets in which healthchecks may be contacted; private ones by default. Link-local addresses never may. */
  allow: z.array(Subnet).min(1).readonly().default(PRIVATE),
  /** Most bytes of an answer that are read; the rest is not needed to say whether a host is healthy. */
  maxBodyBytes: z.int().min(1).max(1_048_576).default(16_384),
});

/** Options as a caller writes them. */
export type HttpHealthProbeOptionsInput = z.input<typeof HttpHealthProbeOptions>;

/** Network failures that say something about the host. Every other one is the prober's own. */
const HOST_IS_SILENT = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
]);

const MAX_DETAIL = 200;

type Outcome = Pick<HealthReport, 'status' | 'detail'>;

function makeAllowList(subnets: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');
  for (const subnet of subnets) {
    const [address = '', bits = ''] = subnet.split('/');
    list.addSubnet(address, Number(bits), familyOf(address));
  }
  return (address) => isIP(address) !== 0 && !isLinkLocal(address) && list.check(address, familyOf(address));
}

function refuse(message: string, retryable = false): PortError {
  return new PortError({ code: 'LZ_PROBE_REFUSED', message: `probe: ${message}`, retryable });
}

function parseUrl({ healthUrl, hostId }: Host): URL {
  // A fresh host may not have its tags yet.
  if (healthUrl === undefined) throw refuse(`${hostId} has no healthcheck URL in the inventory`, true);
  const url = URL.parse(healthUrl);
  if (
    url === null ||
    !['http:', 'https:'].includes(url.protocol) ||
    url.username !== '' ||
    url.password !== ''
  ) {
    throw refuse(`the healthcheck URL of ${hostId} is not a plain http(s) URL`);
  }
  return url;
}

/** Reads up to `max` bytes and lets go of the rest. */
async function readBody(response: IncomingMessage, max: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk.subarray(0, max - size));
    size += chunk.length;
    if (size >= max) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The failing checks that an aggregated healthcheck names, else the beginning of its text. */
function describeBody(body: string): string {
  try {
    const { failing } = JSON.parse(body) as { failing?: unknown };
    if (Array.isArray(failing) && failing.length > 0) return `: failing ${failing.map(String).join(', ')}`;
  } catch {
    const text = body.trim();
    return text === '' ? '' : `: ${text}`;
  }
  return '';
}

function judge(status: number, body: string): Outcome {
  if (status >= 200 && status < 300) return { status: 'healthy', detail: `answered ${status}` };
  const detail = `answered ${status}${describeBody(body)}`.replaceAll(/\p{Cc}+/gu, ' ');
  return { status: 'unhealthy', detail: detail.slice(0, MAX_DETAIL) };
}

/** What a failed request says about the host, if it says anything. */
function judgeFailure(error: unknown, timeoutMs: number): Outcome {
  if (error instanceof PortError) throw error;
  if (isTimeout(error)) return { status: 'unreachable', detail: `no answer within ${timeoutMs} ms` };
  const { code } = error as { readonly code?: unknown };
  if (typeof code === 'string') {
    // Something is there and does not speak HTTP.
    if (code.startsWith('HPE_'))
      return { status: 'unhealthy', detail: 'answered something that is not HTTP' };
    if (HOST_IS_SILENT.has(code)) return { status: 'unreachable', detail: code };
  }
  throw new PortError({
    code: 'LZ_PROBE_FAILED',
    message: `probe: this node could not look (${typeof code === 'string' ? code : String(error)})`,
    retryable: true,
    cause: error,
  });
}

/** Resolves a name, and refuses it when any of its addresses may not be contacted. */
function guardLookup(resolve: LookupFunction, isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, options, (error, address, family) => {
      const addresses: readonly LookupAddress[] =
        typeof address === 'string' ? [{ address, family: family ?? 4 }] : address;
      const wrong = error === null ? addresses.find((each) => !isAllowed(each.address)) : undefined;
      if (wrong === undefined) callback(error, address, family);
      else
        callback(refuse(`${hostname} is at ${wrong.address}, which may not be contacted`), address, family);
    });
  };
}

/**
 * Makes the probe of one node.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`. A probe throws PortError `LZ_PROBE_REFUSED` for a URL that must not be
 * called, and `LZ_PROBE_FAILED` when this node could not look.
 * @example
 * ```ts
 * const probe = createHttpHealthProbe({ zone: 'us-east-1a', allow: ['10.0.0.0/8'] });
 * ```
 */
export function createHttpHealthProbe(
  options: HttpHealthProbeOptionsInput & { readonly clock?: Clock },
): HealthProbe {
  const { clock = createSystemClock(), ...rest } = options;
  const { zone, allow, maxBodyBytes } = parseOptions('createHttpHealthProbe', HttpHealthProbeOptions, rest);
  const isAllowed = makeAllowList(allow);

  const request = async (url: URL, signal: AbortSignal): Promise<Outcome> => {
    const literal = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(literal) !== 0 && !isAllowed(literal)) throw refuse(`${literal} may not be contacted`);
    const [{ request: send }, dns] = await Promise.all([
      url.protocol === 'https:' ? import('node:https') : import('node:http'),
      import('node:dns'),
    ]);
    const lookup = guardLookup(dns.lookup, isAllowed);
    const headers = {
      accept: 'application/json, text/plain',
      connection: 'close',
      'user-agent': 'lazarus-probe',
    };
    let outgoing: ClientRequest | undefined;
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        outgoing = send(url, { agent: false, headers, signal, lookup }, resolve);
        outgoing.on('error', reject).end();
      });
      return judge(response.statusCode ?? 0, await readBody(response, maxBodyBytes));
    } finally {
      outgoing?.destroy();
    }
  };

  return {
    zone,
    probe: async (host, { timeoutMs, signal }) => {
      signal.throwIfAborted();
      const url = parseUrl(host);
      const startedAtMs = clock.monotonic();
      const outcome = await withTimeout(clock, timeoutMs, signal, (abortSignal) =>
        request(url, abortSignal),
      ).catch((error: unknown) => {
        // The probe was called off, which says nothing about the host.
        signal.throwIfAborted();
        return judgeFailure(error, timeoutMs);
      });
      return { ...outcome, latencyMs: Math.round(clock.monotonic() - startedAtMs) };
    },
  };
}
