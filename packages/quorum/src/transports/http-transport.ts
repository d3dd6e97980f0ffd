/**
 * Votes over plain HTTP on one machine, for debugging: every question can be read, repeated and sent by hand with curl.
 * Nothing is proven about who asks, so it refuses every address but loopback.
 *
 *   POST /v1/ballots   x-lazarus-node: a   { question }   ──▶   200 { answer } | 4xx { error }
 */
import { Agent, createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigurationError, describeError, PortError } from '@lazarus/core';
import type { PeerAddress } from './framed-options.ts';
import { MAX_FRAME_BYTES } from './frame.ts';
import { isLoopback } from './loopback.ts';
import type { QuestionHandler, Reply, VoteTransport } from './transport.ts';

const NODE_HEADER = 'x-lazarus-node';
const PATH = '/v1/ballots';
/** Most connections per peer. */
const MAX_SOCKETS = 64;

/** The transport and where it listens. */
export interface HttpTransport extends VoteTransport {
  readonly port: number;
}

/**
 * Listens for peers on loopback and returns the transport.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID` for an address beyond loopback.
 * @throws PortError `LZ_VOTE_TRANSPORT` when the address cannot be listened on.
 */
export async function createHttpTransport(
  options: {
    readonly self: string;
    readonly members: readonly string[];
    readonly listen?: Partial<PeerAddress>;
  },
  ports: { readonly addressOf: (member: string) => PeerAddress | undefined },
): Promise<HttpTransport> {
  const { self, members } = options;
  const host = options.listen?.host ?? '127.0.0.1';
  refuseBeyondLoopback(host);
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  const closing = new AbortController();
  let handler: QuestionHandler | undefined;

  const server = createServer((incoming, response) => {
    answer(incoming, response, { handler, members, signal: closing.signal }).catch((error: unknown) => {
      send(response, 500, { error: describeError(error) });
    });
  });
  // A connection that the server closes while a question is on its way would lose a vote for nothing.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(failure(`cannot listen on ${host}: ${error.message}`)));
    server.listen(options.listen?.port ?? 0, host, resolve);
  });

  return {
    port: (server.address() as AddressInfo).port,
    serve: (next) => {
      handler = next;
    },
    ask: async (member, question, { signal }): Promise<Reply> => {
      const address = ports.addressOf(member);
      if (address === undefined) throw failure(`node ${member} could not be asked: its address is unknown`);
      refuseBeyondLoopback(address.host);
      const body = JSON.stringify(question);
      const reply = await post({ ...address, agent, body, self, signal }).catch((error: unknown) => {
        signal.throwIfAborted();
        throw failure(`node ${member} could not be asked: ${describeError(error)}`);
      });
      if (reply.status !== 200) throw failure(`node ${member} refused: ${reply.text.slice(0, 200)}`);
      return { from: member, answer: parse(reply.text) };
    },
    close: () =>
      new Promise((resolve) => {
        closing.abort(new DOMException('the transport is closing', 'AbortError'));
        agent.destroy();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  incoming: IncomingMessage,
  response: ServerResponse,
  context: {
    readonly handler: QuestionHandler | undefined;
    readonly members: readonly string[];
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const from = incoming.headers[NODE_HEADER];
  if (incoming.method !== 'POST' || incoming.url !== PATH) {
    send(response, 404, { error: `POST ${PATH}` });
    return;
  }
  if (typeof from !== 'string' || !context.members.includes(from)) {
    send(response, 403, { error: `${NODE_HEADER} names no member` });
    return;
  }
  if (context.handler === undefined) {
    send(response, 503, { error: 'this node does not vote yet' });
    return;
  }
  const text = await readBody(incoming);
  if (text === undefined) {
    send(response, 413, { error: `more than ${MAX_FRAME_BYTES} bytes` });
    return;
  }
  try {
    send(response, 200, await context.handler(parse(text), { from, signal: context.signal }));
  } catch (error) {
    send(response, 400, { error: describeError(error) });
  }
}

async function readBody(message: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_FRAME_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function post(
  call: PeerAddress & {
    readonly agent: Agent;
    readonly body: string;
    readonly self: string;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly status: number; readonly text: string }> {
  const { host, port, agent, body, self, signal } = call;
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    [NODE_HEADER]: self,
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host, port, path: PATH, method: 'POST', agent, headers, signal },
      (message) => {
        readBody(message).then(
          (text) => resolve({ status: message.statusCode ?? 0, text: text ?? '' }),
          reject,
        );
      },
    );
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** The value, or the text itself, which no schema will take for a vote. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function refuseBeyondLoopback(host: string): void {
  if (isLoopback(host)) return;
  throw new ConfigurationError({
    code: 'LZ_OPTION_INVALID',
    summary: 'the HTTP transport is for debugging on one machine:',
    issues: [
      {
        path: 'listen.host',
        message: `${host} is not a loopback address`,
        hint: 'use createFramedTransport with tls',
      },
    ],
  });
}

function failure(message: string): PortError {
  return new PortError({ code: 'LZ_VOTE_TRANSPORT', message, retryable: true });
}
