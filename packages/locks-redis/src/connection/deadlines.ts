import type { Clock } from '@lazarus/core/ports';

/** A call that ends by itself at its deadline, unless it was over before. */
export interface Deadline {
  readonly untilMs: number;
  /** Called at the deadline; by then the list has let go of it. */
  onMissed(): void;
  /** Its neighbors, while it is watched. */
  earlier: Deadline | undefined;
  later: Deadline | undefined;
}

/** Deadlines of one length, with one timer for all of them: a timer for every call costs more than the call. */
export interface Deadlines {
  /** Watches a call; calls are added in the order in which they end. */
  add(deadline: Deadline): void;
  /** Lets go of a call that is over. */
  remove(deadline: Deadline): void;
  close(): void;
}

/** Creates the list. Its timer runs until the first deadline that it was started for, and then only if there is another. */
export function createDeadlines(clock: Clock): Deadlines {
  const closing = new AbortController();
  // All have one length, so the first that was added is the first that is missed.
  let first: Deadline | undefined;
  let last: Deadline | undefined;
  let isWatched = false;

  const remove = (deadline: Deadline): void => {
    const { earlier, later } = deadline;
    if (earlier !== undefined) earlier.later = later;
    else if (first === deadline) first = later;
    if (later !== undefined) later.earlier = earlier;
    else if (last === deadline) last = earlier;
    deadline.earlier = deadline.later = undefined;
  };
  const watch = async (): Promise<void> => {
    isWatched = true;
    try {
      while (first !== undefined) {
        const nowMs = clock.monotonic();
        if (first.untilMs > nowMs) {
          await clock.sleep(first.untilMs - nowMs, { signal: closing.signal });
        } else {
          const missed = first;
          remove(missed);
          missed.onMissed();
        }
      }
    } finally {
      // In the same step as the look at the empty list: whoever missed its deadline may ask again in the next one.
      isWatched = false;
    }
  };
  return {
    add: (deadline) => {
      deadline.earlier = last;
      if (last === undefined) first = deadline;
      else last.later = deadline;
      last = deadline;
      if (!isWatched) watch().catch(() => undefined);
    },
    remove,
    close: () => closing.abort('closed'),
  };
}

/** What a call ends with that had no answer in time. */
export function missedDeadline(): DOMException {
  return new DOMException('no answer in time', 'TimeoutError');
}
