import type { EscalationReason } from '../decision/decision.ts';
import type { DecisionRecord } from '../decision/record.ts';
import type { RunView } from '../ports/workflow-engine.ts';

/** Escalations that the configuration of a service can cause. Storms, pauses, busy locks and stores that are away say nothing about it. */
const FAULTS: ReadonlySet<EscalationReason> = new Set([
  'no_rule',
  'mode_off',
  'precondition_failed',
  'quorum_not_reached',
  'quorum_timed_out',
  'budget_spent',
  'deadline_passed',
  'run_not_started',
  'dead_letter',
  'invariant_broken',
]);

/**
 * Whether a decision speaks against the configuration it was made with; `undefined` when it says nothing. A decision to
 * act says nothing yet: its run will.
 */
export function judgeDecision({
  decision,
}: Pick<DecisionRecord, 'decision'>): 'failed' | 'went_well' | undefined {
  if (decision.kind === 'escalate') return FAULTS.has(decision.reason) ? 'failed' : undefined;
  if (decision.kind !== 'notify_only' || decision.reason !== 'mode') return undefined;
  if (decision.would === 'remediate') return 'went_well';
  const [reason] = decision.detail.split(':', 1);
  return FAULTS.has(reason as EscalationReason) ? 'failed' : undefined;
}

/** Whether a run speaks against the configuration it was started with; one that a person stopped says nothing. */
export function judgeRun({ status }: Pick<RunView, 'status'>): 'failed' | 'went_well' | undefined {
  if (status === 'running' || status === 'canceled') return undefined;
  return status === 'succeeded' ? 'went_well' : 'failed';
}
