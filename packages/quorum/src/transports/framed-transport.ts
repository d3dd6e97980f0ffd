/**
 * Votes over one long-lived connection per peer, TLS 1.3 with certificates on both sides.
 *
 *   ask ──▶ connect once ──▶ question frame ──▶ (peer) handler ──▶ answer frame ──▶ correlation id ──▶ ask resolves
 *
 * A node dials each peer for its own questions; answers come back on the same connection. When a connection ends, what
 * waits on it fails, and the next question dials again: there is no timer in the background.
 *
 * Invariants:
 * S18: who answers, and who asks, is read from the certificate; a certificate of another member is refused, and a
 *   connection ends with the certificate of its peer.
 * L5: questions in flight are bounded per peer, in both directions; so is the size of a frame.
 */
import type { AddressInfo, Server } from 'node:net';
import { createSecureContext } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { ConfigurationError, describeError, PortError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import type { z } from 'zod';
import { readAuthorities } from '../certificates/authorities.ts';
import type { NodeCertificate } from '../certificates/check-certificate.ts';
import { createAnsweringSide } from './answering-side.ts';
import type { AskingSide } from './asking-side.ts';
import { createAskingSide } from './asking-side.ts';
import type { FramedTransportPorts, PeerAddress, TransportContext } from './framed-options.ts';
import { FramedTransportOptions, refuseBeyondLoopback } from './framed-options.ts';
import { endUnvouched } from './peer-connection.ts';
import type { VoteTransport } from './transport.ts';

/** The transport and where it listens. */
export interface FramedTransport extends VoteTransport {
  readonly port: number;
  readonly post: NonNullable<VoteTransport['post']>;
  /**
   * Makes and accepts new connections with another certificate from now on. Connections that stand are kept if an
   * authority of the new `ca` vouches for their peer, and ended otherwise. Nothing changes when it cannot be used.
   *
   * @throws ConfigurationError `LZ_OPTION_INVALID`.
   */
  renew(tls: NodeCertificate): void;
}

/**
 * Listens for peers and returns the transport.
 *
 * @param options.members - Ids of all members; certificates of others are refused.
 * @throws ConfigurationError `LZ_OPTION_INVALID`, also for an unprotected transport beyond loopback.
 * @throws PortError `LZ_VOTE_TRANSPORT` when the address cannot be listened on.
 */
export async function createFramedTransport(
  options: z.input<typeof FramedTransportOptions> & {
    readonly self: string;
    readonly members: readonly string[];
  },
  ports: FramedTransportPorts,
): Promise<FramedTransport> {
  const { self, members, ...rest } = options;
  const settings = parseOptions('createFramedTransport', FramedTransportOptions, rest);
  if (settings.tls === undefined) refuseBeyondLoopback('listen.host', settings.listen.host);
  const { tls } = settings;
  const context: TransportContext = {
    self,
    members,
    settings,
    ports,
    closing: new AbortController(),
    tls,
    standing: new Set(),
  };
  const answering = createAnsweringSide(context);
  const asking = new Map<string, AskingSide>();
  const port = await listen(answering.server, settings.listen);

  const sideOf = (member: string): AskingSide => {
    let side = asking.get(member);
    if (side === undefined) asking.set(member, (side = createAskingSide(member, context)));
    return side;
  };
  // A ballot puts one question to several members, one after the other: it is written as JSON once.
  let last: { readonly question: unknown; readonly body: Buffer } | undefined;
  const bodyOf = (question: unknown): Buffer => {
    if (last === undefined || last.question !== question) last = { question, body: jsonOf(question) };
    return last.body;
  };

  return {
    port,
    serve: answering.serve,
    renew: (next) => {
      const { authorities, validTo } = readRenewal(context.tls, next);
      answering.renew(next);
      context.tls = next;
      endUnvouched(context, authorities);
      ports.log.info('the certificate of votes was renewed', { node: self, validTo });
    },
    post: (member, question, onReply, onFailure) => sideOf(member).post(bodyOf(question), onReply, onFailure),
    ask: (member, question, { signal }) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const onAbort = (): void => {
          posted.cancel(signal.reason);
          reject(signal.reason as Error);
        };
        const settle =
          <T>(then: (value: T) => void) =>
          (value: T): void => {
            signal.removeEventListener('abort', onAbort);
            then(value);
          };
        const posted = sideOf(member).post(jsonOf(question), settle(resolve), settle(reject));
        signal.addEventListener('abort', onAbort, { once: true });
      }),
    close: async () => {
      context.closing.abort(new DOMException('the transport is closing', 'AbortError'));
      for (const side of asking.values()) side.close();
      await answering.close();
    },
  };
}

function readRenewal(
  present: unknown,
  next: NodeCertificate,
): { readonly authorities: readonly X509Certificate[]; readonly validTo: string } {
  const refuse = (message: string, cause?: unknown): never => {
    const issues = [{ path: 'tls', message }];
    throw new ConfigurationError({
      code: 'LZ_OPTION_INVALID',
      summary: 'the certificate of votes was not renewed:',
      issues,
      cause,
    });
  };
  if (present === undefined) refuse('the transport began without one');
  try {
    createSecureContext({ ...next });
    return { authorities: readAuthorities(next.ca), validTo: new X509Certificate(next.cert).validTo };
  } catch (error) {
    return refuse(describeError(error), error);
  }
}

function jsonOf(question: unknown): Buffer {
  return Buffer.from(JSON.stringify(question), 'utf8');
}

function listen(server: Server, address: PeerAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new PortError({
          code: 'LZ_VOTE_TRANSPORT',
          message: `cannot listen for votes on ${address.host}:${address.port}: ${error.message}`,
          retryable: false,
          cause: error,
        }),
      ),
    );
    server.listen(address.port, address.host, () => resolve((server.address() as AddressInfo).port));
  });
}
