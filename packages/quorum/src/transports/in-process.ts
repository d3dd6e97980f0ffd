import { PortError } from '@lazarus/core';
import type { Clock } from '@lazarus/core/ports';
import type { QuestionHandler, VoteTransport } from './transport.ts';

/** What happens to messages in one direction between two nodes. */
export type LinkFault =
  { readonly kind: 'drop' } | { readonly kind: 'delay'; readonly ms: number } | { readonly kind: 'refuse' };

/** Several nodes in one process, and the network between them. */
export interface InProcessNetwork {
  /** The transport of one node; its id is its proven identity. */
  node(id: string): VoteTransport;
  /** From now on messages from `from` to `to` meet this fault; the other direction is not touched. */
  setFault(from: string, to: string, fault: LinkFault | undefined): void;
  /** Cuts a node off in both directions, as a partition does. */
  isolate(id: string): void;
  /** Removes every fault. */
  heal(): void;
}

/**
 * Creates a network of nodes that live in one process. Messages are copied through JSON, as a wire would. Faults are for
 * tests and for the simulator.
 */
export function createInProcessNetwork(options: { readonly clock: Clock }): InProcessNetwork {
  const handlers = new Map<string, QuestionHandler>();
  const faults = new Map<string, LinkFault>();
  const isolated = new Set<string>();
  const linkOf = (from: string, to: string): string => `${from}\u0000${to}`;

  /** Moves one message over one direction of a link. */
  const carry = async (from: string, to: string, message: unknown, signal: AbortSignal): Promise<unknown> => {
    const fault: LinkFault | undefined =
      isolated.has(from) || isolated.has(to) ? { kind: 'drop' } : faults.get(linkOf(from, to));
    if (fault?.kind === 'drop') await forever(signal);
    if (fault?.kind === 'refuse') throw unreachable(to, 'connection refused');
    if (fault?.kind === 'delay') await options.clock.sleep(fault.ms, { signal });
    signal.throwIfAborted();
    return JSON.parse(JSON.stringify(message)) as unknown;
  };

  const node = (self: string): VoteTransport => ({
    serve: (handler) => void handlers.set(self, handler),
    ask: async (member, question, { signal }) => {
      const received = await carry(self, member, question, signal);
      const handler = handlers.get(member);
      if (handler === undefined) throw unreachable(member, 'nobody listens');
      const answer = await handler(received, { from: self, signal });
      return { from: member, answer: await carry(member, self, answer, signal) };
    },
    close: async () => void handlers.delete(self),
  });

  return {
    node,
    setFault: (from, to, fault) => {
      if (fault === undefined) faults.delete(linkOf(from, to));
      else faults.set(linkOf(from, to), fault);
    },
    isolate: (id) => void isolated.add(id),
    heal: () => {
      faults.clear();
      isolated.clear();
    },
  };
}

function forever(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

function unreachable(member: string, why: string): PortError {
  return new PortError({
    code: 'LZ_VOTE_TRANSPORT',
    message: `node ${member} could not be asked: ${why}`,
    retryable: true,
  });
}
