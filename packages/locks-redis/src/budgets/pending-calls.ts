import { describeError } from '@lazarus/core';
import type { Clock, Logger } from '@lazarus/core/ports';
import type { RedisConnection } from '../connection/connect-redis.ts';

/** Calls that must reach the store at some time, in the order in which they were added. */
export interface PendingCalls {
  add(call: () => Promise<unknown>): void;
  close(): Promise<void>;
}

const RETRY_MS = 500;
/** With more, the oldest is given up: its decision is in the durable records, which hydrate the store. */
const MAX_PENDING = 10_000;

/** Creates the list; it repeats its calls until each succeeded, and uses no timer while it is empty. */
export function createPendingCalls(ports: {
  readonly redis: RedisConnection;
  readonly clock: Clock;
  readonly log: Logger | undefined;
}): PendingCalls {
  const closing = new AbortController();
  const calls: (() => Promise<unknown>)[] = [];
  let isRunning = false;

  const runAll = async (): Promise<void> => {
    for (let call = calls[0]; call !== undefined && !closing.signal.aborted; call = calls[0]) {
      try {
        await call();
        if (calls[0] === call) calls.shift();
      } catch (error) {
        ports.log?.debug('a call to the store is repeated later', { error: describeError(error) });
        await ports.clock.sleep(RETRY_MS, { signal: closing.signal });
      }
    }
  };
  return {
    add: (call) => {
      calls.push(call);
      if (calls.length > MAX_PENDING) calls.shift();
      if (isRunning) return;
      isRunning = true;
      runAll()
        .catch(() => undefined)
        .finally(() => (isRunning = false));
    },
    close: async () => closing.abort(),
  };
}
