/**
 * Knows which peers can be asked. Between ballots nothing travels, so each peer is greeted every few seconds over the very
 * connection that carries the votes; a greeting without an answer makes the transport dial again.
 *
 * It only tells people: a ballot asks everybody, whatever is written here.
 */
import { describeError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import { withTimeout } from '@lazarus/core/time';
import type { Clock } from '@lazarus/core/ports';
import { z } from 'zod';
import { HelloSchema } from '../ballot/messages.ts';
import type { VoteTransport } from './transport.ts';

/** Options of {@link createPeerWatch}. */
export const PeerWatchOptions = z.strictObject({
  /** Time between two greetings. @defaultValue 2000 */
  everyMs: z.int().min(10).max(60_000).default(2_000),
  /** Longest wait for the answer to one. @defaultValue 2000 */
  timeoutMs: z.int().min(10).max(60_000).default(2_000),
});

/** What is known of one peer. */
export interface PeerState {
  readonly id: string;
  /** It answered our last greeting. */
  readonly connected: boolean;
  /** Wall time of its last word, be it an answer or a question of its own; absent when it never said one. */
  readonly lastSeenAtMs?: number;
  /** Why it is not connected. */
  readonly detail?: string;
}

/** A transport that knows its peers. */
export interface PeerWatch {
  /** Use this one instead of the transport that was passed in. Closing it ends the greetings, too. */
  readonly transport: VoteTransport;
  peers(): readonly PeerState[];
}

/** Starts to greet the peers. @throws ConfigurationError `LZ_OPTION_INVALID`. */
export function createPeerWatch(
  options: z.input<typeof PeerWatchOptions> & { readonly self: string; readonly peers: readonly string[] },
  ports: { readonly clock: Clock; readonly transport: VoteTransport },
): PeerWatch {
  const { self, peers, ...rest } = options;
  const settings = parseOptions('createPeerWatch', PeerWatchOptions, rest);
  const { clock, transport } = ports;
  const { post } = transport;
  const stop = new AbortController();
  const states = new Map<string, PeerState>(
    peers.map((id) => [id, { id, connected: false, detail: 'not asked yet' }]),
  );

  const heard = (id: string): void => {
    const state = states.get(id);
    if (state !== undefined) states.set(id, { ...state, lastSeenAtMs: clock.now() });
  };
  const greet = async (id: string): Promise<void> => {
    try {
      await withTimeout(clock, settings.timeoutMs, stop.signal, (signal) =>
        transport.ask(id, { version: 1, hello: self }, { signal }),
      );
      states.set(id, { id, connected: true, lastSeenAtMs: clock.now() });
    } catch (error) {
      if (stop.signal.aborted) return;
      const { lastSeenAtMs } = states.get(id) ?? {};
      states.set(id, {
        id,
        connected: false,
        detail: describeError(error),
        ...(lastSeenAtMs === undefined ? {} : { lastSeenAtMs }),
      });
    }
  };
  const watch = async (id: string): Promise<void> => {
    while (!stop.signal.aborted) {
      await greet(id);
      await clock.sleep(settings.everyMs, { signal: stop.signal }).catch(() => undefined);
    }
  };
  const watching = peers.map(watch);

  return {
    peers: () => [...states.values()],
    transport: {
      ask: async (member, question, { signal }) => {
        const reply = await transport.ask(member, question, { signal });
        heard(member);
        return reply;
      },
      ...(post === undefined
        ? {}
        : {
            post: (member, question, onReply, onFailure) =>
              post(
                member,
                question,
                (reply) => {
                  heard(member);
                  onReply(reply);
                },
                onFailure,
              ),
          }),
      serve: (handler) =>
        transport.serve(async (question, context) => {
          heard(context.from);
          if (isHello(question)) return { version: 1, hello: self };
          return handler(question, context);
        }),
      close: async () => {
        stop.abort(new DOMException('the transport is closing', 'AbortError'));
        await transport.close();
        await Promise.all(watching);
      },
    },
  };
}

function isHello(question: unknown): boolean {
  // Every ballot comes by here, so the schema is asked only about what could be a greeting.
  return (
    typeof question === 'object' &&
    question !== null &&
    'hello' in question &&
    HelloSchema.safeParse(question).success
  );
}
