/** Gate 12: do enough nodes agree? Keeps S2. */
import type { BallotRequest, BallotResult } from '../../ports/voters.ts';
import { failingChecks } from '../failing-checks.ts';
import { escalate, pass } from '../gate-outcome.ts';
import type { Evidence, GateOutcome, Stopped } from '../gate-outcome.ts';
import { known, remainingMs } from '../walk.ts';
import type { Walk } from '../walk.ts';

/** Gate 12. */
export async function ballot(walk: Walk): Promise<GateOutcome> {
  const result = await walk.reads.voters.ballot(questionOf(walk), { signal: walk.signal });
  walk.ballot = result;
  const { yes, required, members, voided } = result;
  const evidence = { yes, required, members, voided };
  if (result.outcome !== 'reached') return ballotLost(result, evidence);
  return pass(`${yes} of ${members} nodes say yes`, evidence);
}

function questionOf(walk: Walk): BallotRequest {
  const rule = known(walk.rule);
  return {
    decisionId: known(walk.decisionId),
    configDigest: known(walk.snapshot).digest,
    event: known(walk.event),
    rule: rule.name,
    required: rule.quorum.required,
    ...(walk.target === undefined ? {} : { hostId: walk.target.hostId }),
    // S13: in a plan there are no effects, and no event that anybody received.
    ...(walk.effects === undefined ? { supposed: true } : {}),
    deadlineAtMs: walk.reads.clock.monotonic() + Math.min(rule.quorum.timeoutMs, remainingMs(walk)),
  };
}

/** Not enough yes votes: a failed check is told from votes that did not come. */
function ballotLost(result: BallotResult, evidence: Evidence): Stopped {
  const unmet = (result.unmet ?? []).map((line) => `; ${line}`).join('');
  const count = `${result.yes} of ${result.required} needed votes${unmet}`;
  if (result.outcome === 'timed_out') return escalate('quorum_timed_out', `${count} in time`, evidence);
  const failing = failingChecks(result);
  if (failing.length === 0) return escalate('quorum_not_reached', count, evidence);
  return escalate('precondition_failed', `${count}; ${failing.join('; ')}`, evidence);
}
