import { describeError } from '@lazarus/core';
import type { Clock, Logger } from '@lazarus/core/ports';

/** Does something every `everyMs`, one at a time; a failure is a log line. Returns the function that ends it. */
export function repeat(
  clock: Clock,
  everyMs: number,
  work: () => Promise<void>,
  log: Logger,
): () => Promise<void> {
  const stop = new AbortController();
  const loop = (async () => {
    while (!stop.signal.aborted) {
      await clock.sleep(everyMs, { signal: stop.signal }).catch(() => undefined);
      await work().catch((error: unknown) =>
        log.warn('a periodic task failed', { error: describeError(error) }),
      );
    }
  })();
  return async () => {
    stop.abort();
    await loop;
  };
}
