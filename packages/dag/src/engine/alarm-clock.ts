import type { Clock } from '@lazarus/core/ports';

/** Longest single sleep, milliseconds: alarms later than that come and go without a new sleep each time. */
const LONGEST_SLEEP_MS = 30_000;

/** A reason that costs nothing: `abort()` alone makes an exception with a stack each time. */
const NO_LONGER_NEEDED = Symbol('no longer needed');

interface Alarm {
  readonly atMs: number;
  readonly ring: () => void;
}

/**
 * Many alarms on one sleep of the clock, by monotonic time: a wall clock that is set neither rings nor silences them.
 * Alarms that are due together ring in the order in which they were set.
 */
export class AlarmClock {
  readonly #clock: Clock;
  readonly #alarms: Alarm[] = [];
  #sleepingUntilMs = Infinity;
  #sleeper: AbortController | undefined;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rings at a monotonic time, or soon when it has passed; returns how to cancel. */
  set(atMs: number, ring: () => void): () => void {
    const alarm: Alarm = { atMs, ring };
    this.#insert(alarm);
    this.#arm();
    return () => {
      const index = this.#alarms.indexOf(alarm);
      if (index >= 0) this.#alarms.splice(index, 1);
      if (this.#alarms.length === 0) this.#sleeper?.abort(NO_LONGER_NEEDED);
    };
  }

  /** Rings nothing any more and leaves no sleep behind. */
  close(): void {
    this.#isClosed = true;
    this.#alarms.length = 0;
    this.#sleeper?.abort(NO_LONGER_NEEDED);
  }

  #insert(alarm: Alarm): void {
    let low = 0;
    let high = this.#alarms.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#alarms[middle]?.atMs ?? Infinity) <= alarm.atMs) low = middle + 1;
      else high = middle;
    }
    this.#alarms.splice(low, 0, alarm);
  }

  #arm(): void {
    const first = this.#alarms[0];
    if (this.#isClosed || first === undefined || first.atMs >= this.#sleepingUntilMs) return;
    this.#sleeper?.abort(NO_LONGER_NEEDED);
    const sleeper = new AbortController();
    const nowMs = this.#clock.monotonic();
    const ms = Math.min(Math.max(0, first.atMs - nowMs), LONGEST_SLEEP_MS);
    this.#sleeper = sleeper;
    this.#sleepingUntilMs = nowMs + ms;
    this.#clock.sleep(ms, { signal: sleeper.signal }).then(
      () => this.#wake(sleeper),
      () => this.#wake(sleeper, false),
    );
  }

  #wake(sleeper: AbortController, hasSlept = true): void {
    if (this.#sleeper !== sleeper) return;
    this.#sleeper = undefined;
    this.#sleepingUntilMs = Infinity;
    if (hasSlept) {
      const nowMs = this.#clock.monotonic();
      while (!this.#isClosed && (this.#alarms[0]?.atMs ?? Infinity) <= nowMs) this.#alarms.shift()?.ring();
    }
    this.#arm();
  }
}
