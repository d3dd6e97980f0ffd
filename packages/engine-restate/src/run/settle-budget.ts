import { describeError } from '@lazarus/core';
import { withTimeout } from '@lazarus/core/time';
import type { EngineOptions } from '@lazarus/dag';

const TRIES = 3;
const TRY_MS = 5_000;
const PAUSE_MS = 200;

/** Settles the budget of a run that is over. Repeated when a crash repeats the end of the run, which changes nothing. */
export async function settleBudget(
  runId: string,
  effects: boolean,
  { budgets, clock, log }: Pick<EngineOptions, 'budgets' | 'clock' | 'log'>,
): Promise<void> {
  if (budgets === undefined) return;
  for (let tries = 1; tries <= TRIES; tries += 1) {
    try {
      await withTimeout(clock, TRY_MS, undefined, () => budgets.settle(runId, { effects }));
      return;
    } catch (error) {
      log.error('a budget was not settled', { run_id: runId, tries, error: describeError(error) });
      await clock.sleep(PAUSE_MS);
    }
  }
}
