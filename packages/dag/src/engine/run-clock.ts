import type { Clock } from '@lazarus/core/ports';

/**
 * The time of one run in one process: wall time when the run came into its hands, counted on with the monotonic clock.
 * Setting the wall clock therefore neither stops a run that polls nor cuts a wait short, and a run never goes back in time,
 * also not when another process with an earlier clock takes it over. Keeps S10.
 */
export class RunClock {
  readonly #clock: Clock;
  readonly #originMs: number;

  /** @param sinceMs - latest time that the run has seen; wall time, milliseconds. */
  constructor(clock: Clock, sinceMs: number) {
    this.#clock = clock;
    this.#originMs = Math.max(clock.now(), sinceMs) - clock.monotonic();
  }

  /** Wall time as the run counts it, whole milliseconds. */
  now(): number {
    return Math.floor(this.#originMs + this.#clock.monotonic());
  }

  /** The monotonic instant of a time of the run. */
  monotonicOf(atMs: number): number {
    return atMs - this.#originMs;
  }
}
