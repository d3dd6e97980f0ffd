/**
 * Many instants, one timer: a timer for every call costs more than the call.
 *
 * The alarms lie in a heap by their instant, and one sleep of the clock lasts until the first of them. An alarm that was
 * called off stays in the heap until it comes up or until more than half of the heap is of its kind. While no alarm is
 * set there is no timer, so that nothing is left behind and nothing keeps the process alive.
 */
import { describeError } from '../errors/lazarus-error.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';

/** Something that happens at an instant, unless it is called off before. */
export interface Alarm {
  /** Calls it off; does nothing when it is over. */
  cancel(): void;
}

/** Alarms that share one timer. */
export interface Alarms {
  /** Calls `onDue` once, at `atMs` of the monotonic clock or as soon as possible after it. One that throws holds up no other. */
  set(atMs: number, onDue: () => void): Alarm;
  /** Calls off every alarm. */
  close(): void;
}

/** A reason that costs nothing: `abort()` alone makes an exception with a stack each time. */
const NO_LONGER_NEEDED = Symbol('no longer needed');
/** A heap with fewer entries is not worth cleaning. */
const CLEAN_FROM = 64;

/**
 * Creates an empty set of alarms; it uses no timer until the first is set.
 *
 * @param ports - `log` is told of an alarm that threw.
 */
export function createAlarms(
  clock: Pick<Clock, 'monotonic' | 'sleep'>,
  ports: { readonly log?: Pick<Logger, 'error'> } = {},
): Alarms {
  return new SharedTimer(clock, ports.log);
}

class PendingAlarm implements Alarm {
  readonly atMs: number;
  onDue: (() => void) | undefined;
  readonly #owner: SharedTimer;

  constructor(owner: SharedTimer, atMs: number, onDue: () => void) {
    this.#owner = owner;
    this.atMs = atMs;
    this.onDue = onDue;
  }

  cancel(): void {
    if (this.onDue === undefined) return;
    this.onDue = undefined;
    this.#owner.noticeCancelled();
  }
}

class SharedTimer implements Alarms {
  readonly #clock: Pick<Clock, 'monotonic' | 'sleep'>;
  readonly #log: Pick<Logger, 'error'> | undefined;
  #heap: PendingAlarm[] = [];
  #live = 0;
  #sleep: AbortController | undefined;
  #sleepUntilMs = Infinity;

  constructor(clock: Pick<Clock, 'monotonic' | 'sleep'>, log: Pick<Logger, 'error'> | undefined) {
    this.#clock = clock;
    this.#log = log;
  }

  set(atMs: number, onDue: () => void): Alarm {
    const alarm = new PendingAlarm(this, atMs, onDue);
    this.#heap.push(alarm);
    siftUp(this.#heap, this.#heap.length - 1);
    this.#live += 1;
    if (atMs < this.#sleepUntilMs) this.#sleepUntil(atMs);
    return alarm;
  }

  close(): void {
    for (const alarm of this.#heap) alarm.onDue = undefined;
    this.#heap = [];
    this.#live = 0;
    this.#wake();
  }

  noticeCancelled(): void {
    this.#live -= 1;
    if (this.#live === 0) this.close();
    else if (this.#heap.length >= CLEAN_FROM && this.#heap.length > 2 * this.#live) this.#clean();
  }

  #clean(): void {
    // A sorted list is a heap.
    this.#heap = this.#heap
      .filter((alarm) => alarm.onDue !== undefined)
      .sort((left, right) => left.atMs - right.atMs);
  }

  #wake(): void {
    this.#sleep?.abort(NO_LONGER_NEEDED);
    this.#sleep = undefined;
    this.#sleepUntilMs = Infinity;
  }

  #sleepUntil(atMs: number): void {
    this.#wake();
    const sleep = new AbortController();
    this.#sleep = sleep;
    this.#sleepUntilMs = atMs;
    this.#clock.sleep(Math.max(0, atMs - this.#clock.monotonic()), { signal: sleep.signal }).then(
      () => {
        if (this.#sleep === sleep) this.#ring();
      },
      () => undefined,
    );
  }

  /** Lets everything happen that is due, then sleeps until the next. */
  #ring(): void {
    this.#sleep = undefined;
    // Alarms that are set meanwhile must not start a sleep of their own.
    this.#sleepUntilMs = -Infinity;
    const nowMs = this.#clock.monotonic();
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      const { onDue } = first;
      if (onDue !== undefined && first.atMs > nowMs) break;
      removeFirst(this.#heap);
      if (onDue === undefined) continue;
      first.onDue = undefined;
      this.#live -= 1;
      try {
        onDue();
      } catch (error) {
        this.#log?.error('an alarm threw', { error: describeError(error) });
      }
    }
    this.#sleepUntilMs = Infinity;
    const next = this.#heap[0];
    if (next !== undefined) this.#sleepUntil(next.atMs);
  }
}

function siftUp(heap: PendingAlarm[], from: number): void {
  const alarm = heap[from];
  if (alarm === undefined) return;
  let at = from;
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || parent.atMs <= alarm.atMs) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = alarm;
}

function removeFirst(heap: PendingAlarm[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = heap[2 * at + 1];
    const right = heap[2 * at + 2];
    if (left === undefined) break;
    const isRight = right !== undefined && right.atMs < left.atMs;
    const child = isRight ? right : left;
    if (child.atMs >= last.atMs) break;
    heap[at] = child;
    at = 2 * at + (isRight ? 2 : 1);
  }
  heap[at] = last;
}
