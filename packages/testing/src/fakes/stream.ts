import type { Clock, Delivery, EventStream, Sensor } from '@lazarus/core/ports';

/** A stream in memory, with both ends: events go in, deliveries come out, and every acknowledgement is kept. */
export interface FakeStream extends EventStream, Sensor {
  /** Puts a raw record in, for example a malformed one. */
  push(payload: unknown): string;
  /** Positions in the order of their acknowledgement. */
  readonly acked: readonly string[];
  readonly nacked: readonly { readonly position: string; readonly reason: string }[];
  /** Records that wait, or were handed out and are neither acknowledged nor given back. */
  readonly unsettled: number;
}

interface Entry {
  readonly position: string;
  readonly payload: unknown;
  readonly arrivedAtMs: number;
  redeliveries: number;
}

/** Creates a {@link FakeStream}. A record that is given back is handed out again first. */
export function createFakeStream(options: { readonly clock: Clock }): FakeStream {
  const waiting: Entry[] = [];
  const handedOut = new Set<Entry>();
  const acked: string[] = [];
  const nacked: { position: string; reason: string }[] = [];
  const wakers = new Set<() => void>();
  let count = 0;
  let isClosed = false;

  const wake = (): void => {
    for (const waker of [...wakers]) waker();
  };
  const push = (payload: unknown): string => {
    count += 1;
    const position = `shard-0/${count}`;
    waiting.push({ position, payload, arrivedAtMs: options.clock.now(), redeliveries: 0 });
    wake();
    return position;
  };
  const deliver = (entry: Entry): Delivery => {
    handedOut.add(entry);
    return {
      position: entry.position,
      payload: entry.payload,
      arrivedAtMs: entry.arrivedAtMs,
      redeliveries: entry.redeliveries,
      ack: async () => {
        if (handedOut.delete(entry)) acked.push(entry.position);
      },
      nack: async (reason) => {
        if (!handedOut.delete(entry)) return;
        nacked.push({ position: entry.position, reason });
        waiting.unshift({ ...entry, redeliveries: entry.redeliveries + 1 });
        wake();
      },
    };
  };
  const somethingHappens = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const end = (settle: () => void) => (): void => {
        wakers.delete(onWake);
        signal.removeEventListener('abort', onAbort);
        settle();
      };
      const onWake = end(resolve);
      const onAbort = end(() => reject(signal.reason as Error));
      wakers.add(onWake);
      signal.addEventListener('abort', onAbort, { once: true });
    });

  return {
    push,
    acked,
    nacked,
    get unsettled() {
      return waiting.length + handedOut.size;
    },
    deposit: async (event) => ({ position: push(event) }),
    pull: async ({ max, signal }) => {
      for (;;) {
        signal.throwIfAborted();
        if (isClosed) return [];
        if (waiting.length > 0) return waiting.splice(0, max).map(deliver);
        await somethingHappens(signal);
      }
    },
    close: async () => {
      isClosed = true;
      wake();
    },
  };
}
