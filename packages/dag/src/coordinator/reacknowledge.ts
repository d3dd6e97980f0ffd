import type { Json } from '@lazarus/core/ports';
import type { RetryPolicy } from '../document/workflow-definition.ts';
import { MAX_ATTEMPT_MS, REACKNOWLEDGE_EVERY_MS } from './limits.ts';
import type { RunRecord } from './run-handle.ts';
import { prepareCall } from './step-plan.ts';
import type { PlanContext } from './step-plan.ts';
import { createStepState } from './step-state.ts';
import type { StepState } from './step-state.ts';

const ACKNOWLEDGE = 'pager.acknowledge@';
const RETRY: RetryPolicy = {
  maxAttempts: 10,
  initialMs: 2_000,
  factor: 2,
  maxMs: 60_000,
  jitter: 'full',
  on: ['transient', 'timeout'],
};

/**
 * Acknowledges the page again every 10 min while a run holds it: a pager takes an acknowledgement back after a while
 * (PagerDuty after 30 min by default). It also notices a person who took the page, and stops the run then.
 */
export function planReacknowledge(run: RunRecord, context: PlanContext): StepState | undefined {
  const { incidentKey } = run.request;
  const acknowledge = run.definition.steps.find((step) => step.uses.startsWith(ACKNOWLEDGE));
  if (incidentKey === undefined || acknowledge === undefined) return undefined;
  return createStepState({
    id: '$reacknowledge',
    phase: 'steps',
    uses: acknowledge.uses,
    needs: [{ step: acknowledge.id, on: ['succeeded'] }],
    effectOf: '$reacknowledge',
    retry: RETRY,
    attemptTimeoutMs: MAX_ATTEMPT_MS,
    isBackground: true,
    firstAfterMs: REACKNOWLEDGE_EVERY_MS,
    poll: { everyMs: REACKNOWLEDGE_EVERY_MS, isDone: () => false },
    prepare: () => {
      const prepared = prepareCall(
        { uses: acknowledge.uses, with: { incident: incidentKey } },
        context.actions,
        {},
      );
      return 'error' in prepared
        ? { go: false, error: prepared.error }
        : { go: true, work: prepared.work, timeoutMs: Number.MAX_SAFE_INTEGER };
    },
    mapOutput: (result: Json) => result,
  });
}
