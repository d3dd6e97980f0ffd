import type { Clock } from '@lazarus/core/ports';

/**
 * The time of one run in one execution: wall time when the execution began, counted on with the monotonic clock, and never
 * behind what the journal has seen. Setting the wall clock therefore prolongs nothing. Keeps S10.
 */
export class RunTime {
  readonly #clock: Clock;
  #originMs: number;

  /** @param sinceMs - earliest time that it can be; wall time, milliseconds. */
  constructor(clock: Clock, sinceMs: number) {
    this.#clock = clock;
    this.#originMs = Math.max(clock.now(), sinceMs) - clock.monotonic();
  }

  /** Wall time as the run counts it, whole milliseconds. */
  now(): number {
    return Math.floor(this.#originMs + this.#clock.monotonic());
  }

  /** It is at least this late: the journal says so. */
  seen(atMs: number): void {
    this.#originMs = Math.max(this.#originMs, atMs - this.#clock.monotonic());
  }
}
