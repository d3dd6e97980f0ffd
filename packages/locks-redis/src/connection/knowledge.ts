import { describeError } from '@lazarus/core';
import type { Clock, Logger } from '@lazarus/core/ports';
import type { RedisConnection } from './connect-redis.ts';

/** Adds what this node knows to the store at every new epoch, until it succeeded. */
export interface Knowledge {
  /** For how long the present epoch has been watched by this process, milliseconds. */
  ageMs(): number;
  close(): Promise<void>;
}

const RETRY_MS = 500;

/** Starts to watch the epochs of a connection. */
export function createKnowledge<T>(options: {
  readonly redis: RedisConnection;
  readonly clock: Clock;
  readonly log: Logger | undefined;
  readonly what: string;
  readonly history: (() => Promise<readonly T[]>) | undefined;
  readonly add: (history: readonly T[]) => Promise<void>;
}): Knowledge {
  const { redis, clock, log, what, history, add } = options;
  const closing = new AbortController();
  let startedAtMs = clock.monotonic();
  let newest = 0;

  const addUntilDone = async (epoch: number): Promise<void> => {
    while (history !== undefined && newest === epoch && !closing.signal.aborted) {
      try {
        await add(await history());
        log?.info('what this node knows was added to the store', { what, epoch });
        return;
      } catch (error) {
        log?.warn('what this node knows could not be added yet', { what, error: describeError(error) });
      }
      await clock.sleep(RETRY_MS, { signal: closing.signal });
    }
  };
  const unsubscribe = redis.onEpoch((epoch) => {
    newest = epoch;
    startedAtMs = clock.monotonic();
    addUntilDone(epoch).catch(() => undefined);
  });

  return {
    ageMs: () => clock.monotonic() - startedAtMs,
    close: async () => {
      unsubscribe();
      closing.abort();
    },
  };
}
