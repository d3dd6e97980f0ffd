import type { Clock } from '../ports/clock.ts';

/** Longest delay that the timers of the platform keep; longer sleeps are cut into pieces. */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * The clock of the machine: the only place in core that reads the time or starts a timer. A sleep keeps the process
 * alive until it ends or its signal aborts, and leaves no timer behind in either case.
 */
export function createSystemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    sleep: async (ms, options) => {
      for (let restMs = ms; ; restMs -= LONGEST_TIMER_MS) {
        await sleepOnce(Math.min(Math.max(0, restMs), LONGEST_TIMER_MS), options?.signal);
        if (restMs <= LONGEST_TIMER_MS) return;
      }
    },
  };
}

function sleepOnce(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
