import { describeError } from '@lazarus/core';
import type { Verdict } from '@lazarus/core';
import type { Budgets, Clock } from '@lazarus/core/ports';
import { withTimeout } from '@lazarus/core/time';
import type { StepPoint } from '../coordinator/step-body.ts';

const ASK_MS = 5_000;

/** What {@link holdsBudget} asks. */
export interface BudgetPointPorts {
  /** Without them nothing is asked. */
  readonly budgets?: Pick<Budgets, 'holds'>;
  readonly clock: Clock;
}

/**
 * Asks before a destructive step whether the run still holds its reservation in the blast-radius budget. Both engines ask
 * it, so that an actuator of an embedder need not. A budget that does not answer within 5 s is a no. Keeps S6.
 */
export async function holdsBudget(
  runId: string,
  { destructive, phase }: Pick<StepPoint, 'destructive' | 'phase'>,
  { budgets, clock }: BudgetPointPorts,
  signal: AbortSignal,
): Promise<Verdict> {
  if (budgets === undefined || !destructive || phase !== 'steps') return { verdict: 'pass' };
  try {
    if (await withTimeout(clock, ASK_MS, signal, () => budgets.holds(runId))) return { verdict: 'pass' };
    return {
      verdict: 'fail',
      reason: `run ${runId} holds no reservation in the blast-radius budget; reserve one under its id before it is submitted`,
    };
  } catch (error) {
    signal.throwIfAborted();
    return {
      verdict: 'fail',
      reason: `the blast-radius budget could not be asked (${describeError(error)}); look after its store`,
    };
  }
}
