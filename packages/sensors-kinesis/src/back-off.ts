import type { Clock, Random } from '@lazarus/core/ports';

/** Bounds of a back-off. */
export interface BackOffBounds {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * Delay before the next try: full jitter below an exponentially growing bound.
 *
 * @param attempt - 0 for the first failure.
 * @remarks Source: "Exponential Backoff and Jitter", AWS Architecture Blog.
 */
export function backOffMs(attempt: number, bounds: BackOffBounds, random: Random): number {
  const ceiling = Math.min(bounds.maxMs, bounds.firstMs * 2 ** Math.min(attempt, 30));
  return Math.round(random.next() * ceiling);
}

/** Sleeps unless the signal aborts first; never rejects for that reason. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Reads the signal anew, which a loop over `signal.aborted` cannot do in the eyes of the compiler. */
export function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
