import type { Clock } from '@lazarus/core/ports';

/** Remembers signed requests for as long as their signature is good. */
export interface ReplayCache {
  /** `fresh`: seen for the first time, and remembered. `full`: there is no room, so nothing can be said about it. */
  admit(seal: string, signedAtMs: number): 'fresh' | 'replayed' | 'full';
  /** The request was not served after all: its sender may send the same bytes again. */
  forget(seal: string): void;
}

/** Most requests that are remembered: 80 a second for ten minutes, about 10 MB. */
const MAX_SEALS = 48_000;

/**
 * Creates a {@link ReplayCache}. Bounded: when it is full, requests are turned away rather than let in unchecked. Keeps S18.
 *
 * @param options - `windowMs`: how long a signature is good on either side of its time, milliseconds.
 */
export function createReplayCache(options: {
  readonly clock: Pick<Clock, 'now'>;
  readonly windowMs: number;
  readonly maxSeals?: number;
}): ReplayCache {
  const { clock, windowMs, maxSeals = MAX_SEALS } = options;
  const goodUntilMs = new Map<string, number>();

  const dropOld = (nowMs: number): void => {
    for (const [seal, untilMs] of goodUntilMs) {
      if (untilMs < nowMs) goodUntilMs.delete(seal);
    }
  };

  return {
    admit(seal, signedAtMs) {
      if (goodUntilMs.has(seal)) return 'replayed';
      if (goodUntilMs.size >= maxSeals) dropOld(clock.now());
      if (goodUntilMs.size >= maxSeals) return 'full';
      goodUntilMs.set(seal, signedAtMs + windowMs);
      return 'fresh';
    },
    forget: (seal) => void goodUntilMs.delete(seal),
  };
}
