/**
 * Time as a port. Nothing in Lazarus reads the system clock by itself, so every decision can be replayed under a
 * virtual clock.
 */
export interface Clock {
  /** Wall time, milliseconds since the epoch. Only the age of an event is measured with it. */
  now(): number;
  /** Monotonic time, milliseconds from an arbitrary origin. Leases, windows and deadlines are measured with it. */
  monotonic(): number;
  /**
   * Resolves after `ms` milliseconds (0 or more).
   *
   * @throws the signal's reason when `options.signal` aborts first.
   */
  sleep(ms: number, options?: { readonly signal?: AbortSignal }): Promise<void>;
}
