import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

/** Headers that belong to one connection, so they end at the load balancer. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const UPSTREAM_TIMEOUT_MS = 60_000;

/**
 * Passes one request to a target and its answer back.
 *
 * There is no second try: a target that refuses the connection makes a 502 and one that does not answer a 504,
 * as behind a load balancer of the provider.
 */
export function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  target: { readonly host: string; readonly port: number },
): void {
  // A connection of its own for each request: a kept one could be closed by a host that is shutting down.
  const upstream = httpRequest({
    host: target.host,
    port: target.port,
    method: incoming.method,
    path: incoming.url,
    headers: {
      ...passedHeaders(incoming.headers),
      'x-forwarded-for': incoming.socket.remoteAddress ?? '127.0.0.1',
    },
    agent: false,
    timeout: UPSTREAM_TIMEOUT_MS,
  });
  upstream.on('response', (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, passedHeaders(answer.headers));
    answer.on('error', () => outgoing.destroy());
    answer.pipe(outgoing);
  });
  upstream.on('timeout', () => {
    refuse(outgoing, 504, 'Gateway Time-out');
    upstream.destroy();
  });
  upstream.on('error', () => refuse(outgoing, 502, 'Bad Gateway'));
  outgoing.on('close', () => upstream.destroy());
  incoming.pipe(upstream);
}

/** Answers in place of a target; when its answer has begun already, all that is left is to cut the connection. */
export function refuse(outgoing: ServerResponse, status: number, text: string): void {
  if (outgoing.headersSent) {
    outgoing.destroy();
    return;
  }
  outgoing.writeHead(status, { 'content-type': 'text/plain', server: 'fleet-sim' });
  outgoing.end(`${status} ${text}\n`);
}

function passedHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name) && !named.includes(name)),
  );
}
