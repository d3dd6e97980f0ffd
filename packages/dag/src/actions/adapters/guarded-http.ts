/**
 * HTTP for actions, guarded against requests that a workflow should not be able to make (server-side request forgery).
 *
 * 1. Only origins that the operator listed, compared as a whole (scheme, host, port); no user or password in the URL.
 * 2. The address is checked after the name was resolved and before the connection is made, on the very address that is
 *    used, so that a name that resolves to something else a moment later gains nothing. Private, loopback and link-local
 *    addresses (cloud metadata among them) are refused unless the operator allows them.
 * 3. Redirects are not followed, the answer is cut off at a bound, and the signal ends the request.
 */
import { ConfigurationError, PortError } from '@lazarus/core';
import { lookup as resolve } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { request as requestHttp } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { BlockList, isIP } from 'node:net';
import type { HttpCaller } from '../action.ts';

/** Options of {@link createGuardedHttpCaller}. */
export interface GuardedHttpOptions {
  /** Origins that may be called: `https://hooks.example.com`. */
  readonly allow: readonly string[];
  /** Lets listed names lead to private addresses. @defaultValue false */
  readonly allowPrivate?: boolean;
  /** Most bytes of an answer that are kept. @defaultValue 65536 */
  readonly maxBytes?: number;
}

const PRIVATE: readonly (readonly [network: string, prefix: number, family: 'ipv4' | 'ipv6'])[] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 127, 'ipv6'],
  ['64:ff9b::', 96, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
];

const blocked = new BlockList();
for (const [network, prefix, family] of PRIVATE) blocked.addSubnet(network, prefix, family);

/** Whether an address belongs to this machine, its network or its cloud. */
export function isPrivateAddress(address: string): boolean {
  return blocked.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** @throws ConfigurationError `LZ_OPTION_INVALID` when an origin is not one. */
export function createGuardedHttpCaller(options: GuardedHttpOptions): HttpCaller {
  const allowed = new Set(options.allow.map(originOf));
  const allowPrivate = options.allowPrivate ?? false;
  const maxBytes = options.maxBytes ?? 65_536;
  return {
    call: ({ method, url, headers, body, signal }) => {
      const target = new URL(url);
      const reason = refusal(target, allowed, allowPrivate);
      if (reason !== undefined) return Promise.reject(refused(reason));
      return send(target, { method, headers, signal, lookup: guardedLookup(allowPrivate) }, body, maxBytes);
    },
  };
}

function originOf(text: string): string {
  const origin = URL.canParse(text) ? new URL(text).origin : 'null';
  if (origin !== 'null' && /^https?:/.test(origin)) return origin;
  throw new ConfigurationError({
    code: 'LZ_OPTION_INVALID',
    summary: `${JSON.stringify(text)} is no origin such as https://hooks.example.com`,
    issues: [],
  });
}

function refusal(target: URL, allowed: ReadonlySet<string>, allowPrivate: boolean): string | undefined {
  if (!allowed.has(target.origin)) return `${target.origin} is not an allowed origin`;
  if (target.username !== '' || target.password !== '') return 'the URL carries a user or a password';
  const literal = target.hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0 && !allowPrivate && isPrivateAddress(literal))
    return `${literal} is a private address`;
  return undefined;
}

const refused = (message: string): PortError =>
  new PortError({
    code: 'LZ_ACTUATOR_REFUSED',
    message: `the request was not sent: ${message}`,
    retryable: false,
  });

/** Resolves a name and refuses it when any of its addresses is private. */
function guardedLookup(allowPrivate: boolean): NonNullable<RequestOptions['lookup']> {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      const [first] = error === null ? addresses : [];
      if (error !== null || first === undefined) {
        callback(error ?? new Error(`${hostname} has no address`), '', 4);
        return;
      }
      const bad = allowPrivate ? undefined : addresses.find(({ address }) => isPrivateAddress(address));
      if (bad !== undefined)
        callback(refused(`${hostname} leads to the private address ${bad.address}`), '', 4);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function send(
  target: URL,
  options: RequestOptions,
  body: string | undefined,
  maxBytes: number,
): ReturnType<HttpCaller['call']> {
  return new Promise((settle, reject) => {
    const request = target.protocol === 'https:' ? requestHttps : requestHttp;
    const outgoing = request(target, { ...options, agent: false }, (response) => {
      read(response, maxBytes).then(settle, (error: unknown) => reject(failed(target, error)));
    });
    outgoing.on('error', (error) => reject(failed(target, error)));
    outgoing.end(body);
  });
}

async function read(response: IncomingMessage, maxBytes: number): ReturnType<HttpCaller['call']> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk.subarray(0, maxBytes - size));
    size += chunk.length;
    if (size >= maxBytes) break;
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') };
}

function failed(target: URL, error: unknown): PortError {
  if (error instanceof PortError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new PortError({
    code: 'LZ_ACTUATOR_TRANSIENT',
    message: `${target.origin}: ${message}`,
    retryable: true,
    cause: error,
  });
}
