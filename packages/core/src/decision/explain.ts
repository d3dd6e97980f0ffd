import type { Vote } from '../ports/voters.ts';
import type { Explanation } from './explanation-schema.ts';
import { LADDER } from './ladder.ts';
import { changeToStop } from './margin.ts';
import { changeToPass } from './nearest-change.ts';
import type { NearestChange } from './change.ts';
import type { DecisionRecord, GateRecord } from './record.ts';

/**
 * Explains a decision from its record alone: the whole chain with inputs, votes and timings, and the nearest change that
 * would have flipped the outcome. Pure, so that the node, the command line and a postmortem a year later say the same.
 */
export function explainDecision(record: DecisionRecord): Explanation {
  const { decision_id, host, rule, rule_digest, config_digest } = record;
  const change = nearestChange(record);
  const why = evidenceOf(record, 'match_rule')['why'];
  return {
    event_id: record.event_id,
    ...(decision_id === undefined ? {} : { decision_id }),
    about: {
      event_type: record.event_type,
      source: record.source,
      region: record.region,
      environment: record.environment,
      service: record.service,
      ...(host === undefined ? {} : { host }),
    },
    decision: { ...record.decision },
    mode: record.mode,
    ...(rule === undefined
      ? {}
      : { rule: { name: rule, digest: rule_digest ?? '', ...(typeof why === 'string' ? { why } : {}) } }),
    ...(config_digest === undefined ? {} : { config_digest }),
    chain: chainOf(record),
    ...(record.votes === undefined ? {} : { votes: votesOf(record.votes) }),
    timings: timingsOf(record),
    page: { ...record.page },
    nearest_change: change === undefined ? null : { ...change },
  };
}

/**
 * The nearest change that would have flipped the outcome: what would have let the event past the gate that stopped it, or,
 * when all gates let it pass, what would have stopped it.
 */
export function nearestChange({
  gates,
  votes,
}: Pick<DecisionRecord, 'gates' | 'votes'>): NearestChange | undefined {
  const stopped = gates.findLast(({ exit }) => exit !== undefined);
  if (stopped === undefined) return changeToStop(gates, votes);
  return changeToPass(votes === undefined ? stopped : { ...stopped, votes });
}

function chainOf({ gates }: DecisionRecord): Explanation['chain'] {
  const walked = new Set<string>(gates.map(({ gate }) => gate));
  return [
    ...gates.map(({ number, gate, verdict, exit, reason, evidence, at, duration_ms }) => ({
      number,
      gate,
      question: questionOf(gate),
      verdict,
      ...(exit === undefined ? {} : { exit }),
      reason,
      inputs: { ...evidence },
      at,
      duration_ms,
    })),
    ...LADDER.filter(({ id }) => !walked.has(id)).map(({ number, id, question }) => ({
      number,
      gate: id,
      question,
      verdict: 'not_reached' as const,
    })),
  ];
}

function questionOf(gate: GateRecord['gate']): string {
  return LADDER.find(({ id }) => id === gate)?.question ?? gate;
}

function votesOf(votes: NonNullable<DecisionRecord['votes']>): NonNullable<Explanation['votes']> {
  const { yes, required, members, cast, voided, silent = [] } = votes;
  return {
    yes,
    required,
    members,
    cast: cast.map(voteOf),
    voided: voided.map((each) => ({ ...each })),
    silent: [...silent],
  };
}

function voteOf({
  voter,
  zone,
  verdict,
  durationMs,
  checks,
}: Vote): NonNullable<Explanation['votes']>['cast'][number] {
  return {
    voter,
    zone,
    verdict,
    duration_ms: durationMs,
    checks: checks.map(({ check, verdict: said, reason, evidence, durationMs: tookMs }) => ({
      check,
      verdict: said,
      ...(reason === undefined ? {} : { reason }),
      ...(evidence === undefined ? {} : { inputs: { ...evidence } }),
      duration_ms: tookMs,
    })),
  };
}

function timingsOf(record: DecisionRecord): Explanation['timings'] {
  const ageMs = evidenceOf(record, 'fresh')['age_ms'];
  const [slowest] = [...record.gates].sort((left, right) => right.duration_ms - left.duration_ms);
  return {
    ...(typeof ageMs === 'number' ? { event_age_ms: ageMs } : {}),
    received_at: record.received_at,
    decided_at: record.decided_at,
    total_ms: Date.parse(record.decided_at) - Date.parse(record.received_at),
    ...(slowest === undefined ? {} : { slowest_gate: slowest.gate }),
  };
}

function evidenceOf({ gates }: DecisionRecord, gate: GateRecord['gate']): Readonly<Record<string, unknown>> {
  return gates.find((each) => each.gate === gate)?.evidence ?? {};
}
