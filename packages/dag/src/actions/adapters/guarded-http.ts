/**
 * HTTP for actions, guarded against requests that a workflow should not be able to make (server-side request forgery).
 *
 * 1. Only origins that the operator listed, compared as a whole (scheme, host, port); no user or password in the URL.
 * 2. The address is checked after the name was resolved and before the connection is made, on the very address that is
 *    used, so that a name that resolves to something else a moment later gains nothing. Private and loopback addresses
 *    are refused unless the operator allows them; link-local ones and those of cloud metadata in any case.
 * 3. Redirects are not followed, the answer is cut off at a bound, and the signal ends the request.
 * 4. A workflow cannot set the headers that decide who answers (`host`) or where the request ends.
 */
import { ConfigurationError, PortError } from '@lazarus/core';
import { lookup as resolveName } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { isIP } from 'node:net';
import type { HttpCaller } from '../action.ts';
import { isForbiddenAddress, isPrivateAddress } from './address-guard.ts';

/** Options of {@link createGuardedHttpCaller}. */
export interface GuardedHttpOptions {
  /** Origins that may be called: `https://hooks.example.com`. */
  readonly allow: readonly string[];
  /** Lets listed origins lead to private and loopback addresses, never to cloud metadata. @defaultValue false */
  readonly allowPrivate?: boolean;
  /** Most bytes of an answer that are kept. @defaultValue 65536 */
  readonly maxBytes?: number;
}

/** Headers that say where a request goes, or how long it is: they belong to the caller, not to a workflow. */
const OWN_HEADERS =
  /^(host|connection|content-length|expect|keep-alive|te|trailer|transfer-encoding|upgrade|proxy-.*)$/i;

/** Turns a name into addresses; that of Node by default. */
export type Resolve = (
  hostname: string,
  options: { readonly all: true },
  callback: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

/** @throws ConfigurationError `LZ_OPTION_INVALID` when an origin is not one, or is more than one. */
export function createGuardedHttpCaller(
  options: GuardedHttpOptions,
  resolve: Resolve = resolveName,
): HttpCaller {
  const allowed = new Set(options.allow.map(originOf));
  const maxBytes = options.maxBytes ?? 65_536;
  const isRefused = options.allowPrivate === true ? isForbiddenAddress : isPrivateAddress;
  const lookup = guardedLookup(isRefused, resolve);
  return {
    call: async ({ method, url, headers, body, signal }) => {
      const target = URL.canParse(url) ? new URL(url) : undefined;
      if (target === undefined) throw refused('the URL cannot be read');
      const reason = refusal(target, allowed, isRefused) ?? refusedHeader(headers);
      if (reason !== undefined) throw refused(reason);
      return send(target, { method, headers, signal, lookup }, body, maxBytes);
    },
  };
}

/** The whole of an origin and nothing behind it: a path would promise a narrower permission than there is. */
function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
  throw new ConfigurationError({
    code: 'LZ_OPTION_INVALID',
    summary: `${JSON.stringify(text)} is no origin such as https://hooks.example.com`,
    issues: [],
  });
}

function refusal(
  target: URL,
  allowed: ReadonlySet<string>,
  isRefused: (address: string) => boolean,
): string | undefined {
  if (!allowed.has(target.origin)) return `${target.origin} is not an allowed origin`;
  if (target.username !== '' || target.password !== '') return 'the URL carries a user or a password';
  const literal = target.hostname.replace(/^\[|\]$/g, '');
  // A literal address is never resolved, so the guard of the lookup does not see it.
  if (isIP(literal) !== 0 && isRefused(literal)) return `${literal} is a private address`;
  return undefined;
}

function refusedHeader(headers: Readonly<Record<string, string>>): string | undefined {
  const name = Object.keys(headers).find((header) => OWN_HEADERS.test(header));
  return name === undefined ? undefined : `the header ${JSON.stringify(name)} is not for workflows to set`;
}

const refused = (message: string): PortError =>
  new PortError({
    code: 'LZ_ACTUATOR_REFUSED',
    message: `the request was not sent: ${message}`,
    retryable: false,
  });

/** Resolves a name and refuses it when any of its addresses is. Node connects to one of the very addresses that it gets here. */
function guardedLookup(
  isRefused: (address: string) => boolean,
  resolve: Resolve,
): NonNullable<RequestOptions['lookup']> {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = error === null ? addresses : [];
      if (error !== null || first === undefined) {
        callback(error ?? new Error(`${hostname} has no address`), '', 4);
        return;
      }
      const bad = addresses.find(({ address }) => isRefused(address));
      if (bad !== undefined)
        callback(refused(`${hostname} leads to the private address ${bad.address}`), '', 4);
      else if (options.all === true) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    });
  };
}

async function send(
  target: URL,
  options: RequestOptions,
  body: string | undefined,
  maxBytes: number,
): ReturnType<HttpCaller['call']> {
  // Loaded when it is first needed: a process that calls nothing starts without them.
  const { request } = await (target.protocol === 'https:' ? import('node:https') : import('node:http'));
  return new Promise((settle, reject) => {
    const outgoing = open(request, target, options, (response) => {
      read(response, maxBytes).then(settle, (error: unknown) => reject(failed(target, error)));
    });
    outgoing.on('error', (error) => reject(failed(target, error)));
    outgoing.end(body);
  });
}

type OpenRequest = (
  target: URL,
  options: RequestOptions,
  onResponse: (response: IncomingMessage) => void,
) => ClientRequest;

function open(
  request: OpenRequest,
  target: URL,
  options: RequestOptions,
  onResponse: (response: IncomingMessage) => void,
): ClientRequest {
  try {
    return request(target, { ...options, agent: false }, onResponse);
  } catch (error) {
    // Node refuses line breaks in a header, for example. Its message would tell the value. Keeps S17.
    throw refused(`the request cannot be written down: ${codeOf(error)}`);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'no reason given';
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
