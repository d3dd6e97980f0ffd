import type { Clock } from '@lazarus/core/ports';

/** How often the process looks whether it is awake, milliseconds. */
const TICK_MS = 100;
/** A gap of this length was sleep, and not a lot of work. Restate gives a silent process up after far longer. */
const ASLEEP_MS = 3_000;
/** What came while it slept has been read after this long, milliseconds. */
const DROWSY_MS = 2_000;

/**
 * Whether this process was stopped a moment ago, with SIGSTOP or with its whole machine. What it then finds in its
 * connections may be old: Restate has given its runs to others, and what they did is not in the journal that it reads. So a
 * process that wakes up ends its connections, takes none that waited for it, and begins no step before. Restate calls
 * again where a run is still this process's. Keeps S1 and S4.
 */
export class Wakefulness {
  readonly #clock: Clock;
  readonly #onWake: () => void;
  #seenAtMs: number;
  #seenWallMs: number;
  #wokeAtMs = -Infinity;

  constructor(clock: Clock, onWake: () => void) {
    this.#clock = clock;
    this.#onWake = onWake;
    this.#seenAtMs = clock.monotonic();
    this.#seenWallMs = clock.now();
  }

  /** Looks again and again until the signal aborts. */
  async keep(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.#clock.sleep(TICK_MS, { signal });
      } catch {
        return;
      }
      this.#look();
    }
  }

  get isAwake(): boolean {
    this.#look();
    return this.#seenAtMs - this.#wokeAtMs >= DROWSY_MS;
  }

  #look(): void {
    const [nowMs, wallMs] = [this.#clock.monotonic(), this.#clock.now()];
    // A machine that sleeps may stop the monotonic clock as well.
    const gapMs = Math.max(nowMs - this.#seenAtMs, wallMs - this.#seenWallMs);
    this.#seenAtMs = nowMs;
    this.#seenWallMs = wallMs;
    if (gapMs < ASLEEP_MS) return;
    this.#wokeAtMs = nowMs;
    this.#onWake();
  }
}
