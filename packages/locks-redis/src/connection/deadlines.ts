import type { Clock } from '@lazarus/core/ports';

/** A call that ends by itself at its deadline, unless it was over before. */
export interface Deadline {
  readonly untilMs: number;
  /** True once the call is over, whoever ended it. */
  isOver: boolean;
  /** Called at the deadline. */
  readonly onMissed: () => void;
}

/** Deadlines of one length, with one timer for all of them: a timer for every call costs more than the call. */
export interface Deadlines {
  add(onMissed: () => void): Deadline;
  close(): void;
}

/** Creates the list. A call that is over leaves it when its time would have come. */
export function createDeadlines(clock: Clock, lengthMs: number): Deadlines {
  const closing = new AbortController();
  // All have one length, so the first that was added is the first that is missed.
  const pending: Deadline[] = [];
  let isWatched = false;

  /** Ends what is due now; answers the first that is not. */
  const endDue = (): Deadline | undefined => {
    const nowMs = clock.monotonic();
    const next = pending.findIndex((each) => !each.isOver && each.untilMs > nowMs);
    const due = pending.splice(0, next < 0 ? pending.length : next);
    for (const each of due.filter(({ isOver }) => !isOver)) {
      each.isOver = true;
      each.onMissed();
    }
    return pending[0];
  };
  const watch = async (): Promise<void> => {
    for (let next = endDue(); next !== undefined; next = endDue()) {
      await clock.sleep(next.untilMs - clock.monotonic(), { signal: closing.signal });
    }
  };
  return {
    add: (onMissed) => {
      const deadline = { untilMs: clock.monotonic() + lengthMs, isOver: false, onMissed };
      pending.push(deadline);
      if (!isWatched) {
        isWatched = true;
        watch()
          .catch(() => undefined)
          .finally(() => (isWatched = false));
      }
      return deadline;
    },
    close: () => closing.abort('closed'),
  };
}
