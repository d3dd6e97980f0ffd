import type { Clock } from '@lazarus/core/ports';
import type { Posted, QuestionHandler, Reply, VoteTransport } from '@lazarus/quorum';

/** What happens to one message: a copy arrives after each of these delays, so none is a loss and two are a duplicate. */
export interface Carriage {
  readonly delaysMs: readonly number[];
  /** An answer arrives as that to another question of the same node to the same member. */
  readonly isCrossed: boolean;
}

/** A network that keeps none of the promises of a connection, but for who is at its other end. */
export interface LossyNetwork {
  node(id: string): VoteTransport;
  /** How often each thing happened. */
  readonly happened: Readonly<Record<'lost' | 'duplicated' | 'delayed' | 'crossed', number>>;
}

/** Creates the network; messages meet what is planned for them in the order in which they are sent, and nothing after that. */
export function createLossyNetwork(clock: Clock, plan: readonly Carriage[]): LossyNetwork {
  const handlers = new Map<string, QuestionHandler>();
  const waiting = new Map<string, Set<(reply: Reply) => void>>();
  const happened = { lost: 0, duplicated: 0, delayed: 0, crossed: 0 };
  const ahead = [...plan];

  const carry = (message: unknown, deliver: (copy: unknown, isCrossed: boolean) => void): void => {
    const { delaysMs, isCrossed } = ahead.shift() ?? { delaysMs: [0], isCrossed: false };
    if (delaysMs.length === 0) happened.lost += 1;
    if (delaysMs.length > 1) happened.duplicated += 1;
    for (const delayMs of delaysMs) {
      if (delayMs > 0) happened.delayed += 1;
      void clock
        .sleep(delayMs)
        .then(() => deliver(JSON.parse(JSON.stringify(message)) as unknown, isCrossed));
    }
  };
  const post = (self: string, member: string, question: unknown, onReply: (reply: Reply) => void): Posted => {
    const link = `${self}>${member}`;
    const asked = waiting.get(link) ?? new Set();
    waiting.set(link, asked.add(onReply));
    const answered = (answer: unknown, isCrossed: boolean): void => {
      const other = isCrossed ? [...asked].find((each) => each !== onReply) : undefined;
      if (other !== undefined) happened.crossed += 1;
      (other ?? onReply)({ from: member, answer });
    };
    carry(question, (copy) => {
      const answering = handlers.get(member)?.(copy, { from: self, signal: NEVER });
      answering?.then(
        (answer) => carry(answer, answered),
        () => undefined,
      );
    });
    // It goes on delivering: whoever called it off must bear that.
    return { cancel: () => undefined };
  };

  return {
    happened,
    node: (self) => ({
      serve: (handler) => void handlers.set(self, handler),
      ask: () => Promise.reject(new Error('questions are posted')),
      post: (member, question, onReply) => post(self, member, question, onReply),
      close: async () => void handlers.delete(self),
    }),
  };
}

const NEVER = new AbortController().signal;
