import type { Scheduler } from '../group-commit.ts';

/** Flushes after everything that is due in this turn of the event loop: all steps of a wave share one fsync. */
export const systemScheduler: Scheduler = (flush) => {
  setImmediate(flush);
};
