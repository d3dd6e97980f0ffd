import type { Clock } from '@lazarus/core/ports';
import { turnOfTheEventLoop } from './system-turn.ts';

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /**
   * Moves both times forward, stops at every sleep that becomes due on the way, in order, and lets all promise jobs
   * finish before it goes on.
   */
  advance(ms: number): Promise<void>;
  /** Lets all promise jobs finish without moving the time. */
  settle(): Promise<void>;
  /** Moves the wall clock alone, as a time server would; `ms` may be negative. */
  jumpWall(ms: number): void;
  /** Sleeps that have not ended: a leak when it is not 0 after `close()`. */
  readonly pending: number;
  /** Milliseconds until the next sleep ends; `undefined` when nobody sleeps. */
  readonly nextInMs: number | undefined;
}

/** Where the times of a {@link createManualClock} begin. */
export interface ManualClockOptions {
  /** Milliseconds since the epoch. @defaultValue 2026-01-01T00:00:00Z */
  readonly wallMs?: number;
  /** Arbitrary origin; not 0, so that a test notices when somebody confuses the two times. @defaultValue 1000 */
  readonly monotonicMs?: number;
}

interface Sleeper {
  readonly dueAtMs: number;
  wake(): void;
}

/** Creates a {@link ManualClock}. Sleeps with the same due time end in the order in which they began. */
export function createManualClock(options: ManualClockOptions = {}): ManualClock {
  let monotonicMs = options.monotonicMs ?? 1_000;
  let wallOffsetMs = (options.wallMs ?? Date.UTC(2026, 0, 1)) - monotonicMs;
  const sleepers: Sleeper[] = [];

  const remove = (sleeper: Sleeper): void => {
    const index = sleepers.indexOf(sleeper);
    if (index >= 0) sleepers.splice(index, 1);
  };

  return {
    now: () => Math.round(monotonicMs + wallOffsetMs),
    monotonic: () => monotonicMs,
    sleep: (ms, sleepOptions) =>
      new Promise((resolve, reject) => {
        const signal = sleepOptions?.signal;
        signal?.throwIfAborted();
        const onAbort = (): void => {
          remove(sleeper);
          reject(signal?.reason as Error);
        };
        const sleeper: Sleeper = {
          dueAtMs: monotonicMs + Math.max(0, ms),
          wake: () => {
            signal?.removeEventListener('abort', onAbort);
            resolve();
          },
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        insertByDueTime(sleepers, sleeper);
      }),
    advance: async (ms) => {
      const targetMs = monotonicMs + ms;
      await turnOfTheEventLoop();
      for (let next = sleepers[0]; next !== undefined && next.dueAtMs <= targetMs; next = sleepers[0]) {
        monotonicMs = Math.max(monotonicMs, next.dueAtMs);
        remove(next);
        next.wake();
        await turnOfTheEventLoop();
      }
      monotonicMs = Math.max(monotonicMs, targetMs);
      await turnOfTheEventLoop();
    },
    settle: turnOfTheEventLoop,
    jumpWall: (ms) => {
      wallOffsetMs += ms;
    },
    get pending() {
      return sleepers.length;
    },
    get nextInMs() {
      const [next] = sleepers;
      return next === undefined ? undefined : Math.max(0, next.dueAtMs - monotonicMs);
    },
  };
}

function insertByDueTime(sleepers: Sleeper[], sleeper: Sleeper): void {
  let low = 0;
  let high = sleepers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sleepers[middle]?.dueAtMs ?? Infinity) <= sleeper.dueAtMs) low = middle + 1;
    else high = middle;
  }
  sleepers.splice(low, 0, sleeper);
}
