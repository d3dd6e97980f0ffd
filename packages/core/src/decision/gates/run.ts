/** Gate 15: was the workflow started? Keeps S1 and S12. */
import { describeError } from '../../errors/lazarus-error.ts';
import type { RunView } from '../../ports/workflow-engine.ts';
import type { Decision } from '../decision.ts';
import { escalate, pass } from '../gate-outcome.ts';
import type { GateOutcome, Stopped } from '../gate-outcome.ts';
import { short } from '../phrases.ts';
import { runRequest } from '../run-request.ts';
import { isDry, known } from '../walk.ts';
import type { Walk } from '../walk.ts';
import { lockTarget } from './lock.ts';

/** Gate 15. */
export async function run(walk: Walk): Promise<GateOutcome> {
  if (isDry(walk)) return { ...pass('the workflow would start'), done: remediation(walk) };
  const lost = lockLost(walk);
  if (lost !== undefined) return lost;
  const rule = known(walk.rule);
  const workflow = known(rule.workflow);
  const runId = known(walk.decisionId);
  try {
    const { engine } = known(walk.effects);
    const submitted = await engine.submit(
      runRequest({
        runId,
        event: known(walk.event),
        rule: { ...rule, workflow },
        configDigest: known(walk.snapshot).digest,
        lock: lockTarget(walk),
        hostId: walk.target?.hostId,
        incidentKey: walk.namedPage,
      }),
    );
    // The event is somebody else's meanwhile, and the lock is free.
    if (walk.isOver && submitted === 'created')
      await engine.cancel(runId, 'it began after its event was over');
    const started = submitted === 'created' ? undefined : await walk.reads.engine.get(runId);
    if (started !== undefined && started.status !== 'running') return runIsOver(started);
    const reason =
      submitted === 'created' ? `${workflow.name} started` : `${workflow.name} was started before`;
    return { ...pass(reason, { submitted }), done: remediation(walk) };
  } catch (error) {
    const detail = describeError(error);
    return escalate('run_not_started', detail, { error: detail });
  }
}

/** A run is never started twice. */
function runIsOver(ended: RunView): Stopped {
  const detail = `run ${short(ended.run_id)} of this decision is over (${ended.status})`;
  return escalate('run_not_started', detail, { run_id: ended.run_id, run_status: ended.status });
}

/** The lock that was taken is no longer ours: the exit of this gate and of the one before. Keeps S4. */
export function lockLost({ lease }: Walk): Stopped | undefined {
  if (lease === undefined || !(lease.signal.aborted || lease.remainingMs() === 0)) return undefined;
  const { target, signal } = lease;
  const why = signal.aborted ? `: ${describeError(signal.reason)}` : '';
  return escalate('lock_lost', `the ${target.kind} lock was lost before the run began${why}`, {
    lock: target,
  });
}

/** What was decided when every gate let the event pass: the intent says it first, then the record. */
export function remediation(walk: Walk): Decision {
  const { yes, members } = known(walk.ballot);
  return {
    kind: 'remediate',
    workflow: known(known(walk.rule).workflow).name,
    run_id: known(walk.decisionId),
    votes: `${yes}/${members}`,
  };
}
