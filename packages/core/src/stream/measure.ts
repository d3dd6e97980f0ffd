import type { DecisionRecord } from '../decision/record.ts';
import type { Meter } from '../ports/meter.ts';
import type { RunView } from '../ports/workflow-engine.ts';

/** Counts a decision. Labels are bounded: rules and reasons, never hosts or ids. */
export function measureDecision(meter: Meter | undefined, record: DecisionRecord): void {
  if (meter === undefined) return;
  const { decision, votes } = record;
  const reason = 'reason' in decision ? decision.reason : 'none';
  meter.count('lazarus_events_decided_total', {
    rule: record.rule ?? 'none',
    outcome: decision.kind,
    reason,
  });
  meter.observe(
    'lazarus_decision_duration_seconds',
    { outcome: decision.kind },
    secondsBetween(record.received_at, record.decided_at),
  );
  for (const vote of votes?.cast ?? [])
    meter.count('lazarus_votes_total', { voter: vote.voter, result: vote.verdict });
}

/** Counts the end of a run. */
export function measureRun(meter: Meter | undefined, run: RunView): void {
  if (meter === undefined) return;
  if (run.ended_at === undefined) return;
  meter.observe(
    'lazarus_run_duration_seconds',
    { workflow: run.workflow },
    secondsBetween(run.started_at, run.ended_at),
  );
}

function secondsBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 1000;
}
