import { isoTime } from '../time/iso-time.ts';
import type { BallotResult } from '../ports/voters.ts';
import type { Decision } from './decision.ts';
import type { GateOutcome } from './gate-outcome.ts';
import { NO_EVIDENCE } from './gate-outcome.ts';
import type { LADDER } from './ladder.ts';
import type { DecisionRecord, GateRecord, PageRecord } from './record.ts';
import type { Walk } from './walk.ts';

/** The entry of one gate. What would have flipped it is not written: it follows from the evidence (explain.ts). */
export function gateRecord(
  rung: (typeof LADDER)[number],
  outcome: GateOutcome,
  at: string,
  durationMs: number,
): GateRecord {
  const { id: gate, number } = rung;
  const { verdict, reason, evidence = NO_EVIDENCE } = outcome;
  if (outcome.verdict === 'pass')
    return { gate, number, verdict, reason, evidence, at, duration_ms: durationMs };
  return { gate, number, verdict, exit: outcome.exit, reason, evidence, at, duration_ms: durationMs };
}

/** The record of the walk so far, with the decision it came to. */
export function recordOf(walk: Walk, decision: Decision, page: PageRecord): DecisionRecord {
  if (walk.resumes !== undefined) return resumedRecord(walk, walk.resumes, decision, page);
  const { event, rule, target, ballot, snapshot, settings } = walk;
  const record: Writable<DecisionRecord> = {
    event_id: walk.eventId,
    region: event?.region ?? settings.region,
    environment: event?.environment ?? '',
    service: event?.service ?? '',
    event_type: event?.event_type ?? '',
    source: event?.source ?? '',
    event: event ?? walk.received.payload,
    mode: rule?.mode ?? 'act',
    coordinator: settings.node,
    received_at: isoTime(walk.received.atMs),
    decided_at: isoTime(walk.reads.clock.now()),
    decision,
    // The gates of an intent are those that were walked when it was written.
    gates: walk.gates.slice(),
    page,
  };
  if (walk.decisionId !== undefined) record.decision_id = walk.decisionId;
  if (event?.host !== undefined) record.host = event.host;
  if (target !== undefined) record.incarnation = target.incarnation;
  if (snapshot !== undefined) record.config_digest = snapshot.digest;
  if (ballot !== undefined) record.votes = votesOf(ballot);
  if (rule !== undefined) {
    record.rule = rule.name;
    record.rule_digest = rule.digest;
    if (rule.notificationGroup !== undefined) record.notification_group = rule.notificationGroup;
  }
  return record;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function votesOf(ballot: BallotResult): NonNullable<DecisionRecord['votes']> {
  const { yes, required, members, votes, voided, silent } = ballot;
  return { yes, required, members, cast: votes, voided, ...(silent === undefined ? {} : { silent }) };
}

/** Everything that the first walk found out stays in the record; the gates of this one follow. Keeps S11. */
function resumedRecord(
  walk: Walk,
  intent: DecisionRecord,
  decision: Decision,
  page: PageRecord,
): DecisionRecord {
  return {
    ...intent,
    decided_at: isoTime(walk.reads.clock.now()),
    decision,
    gates: [...intent.gates, ...walk.gates],
    page,
  };
}
