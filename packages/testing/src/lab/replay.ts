import { describeDecision } from '@lazarus/core';
import type { DecisionRecord, LazarusEvent, Precondition } from '@lazarus/core';
import { unmetRequirements } from '@lazarus/core/gates';

/** A recorded event that is decided otherwise now. */
export interface ReplayDifference {
  readonly eventId: string;
  readonly before: string;
  readonly now: string;
}

/** What the nodes said about prechecks in a recorded ballot, as replies; nothing when none was cast. */
export function recordedReplies(
  record: Pick<DecisionRecord, 'votes'>,
  preconditions: readonly Pick<Precondition, 'name'>[],
): Readonly<Record<string, { readonly nodes: Readonly<Record<string, RecordedReply>> }>> {
  const cast = record.votes?.cast ?? [];
  // A voter also looks at the target and at its counts, which no rule names.
  const names = new Set(preconditions.map(({ name }) => name));
  const checks = new Set(cast.flatMap((vote) => vote.checks.map(({ check }) => check)));
  return Object.fromEntries(
    [...checks]
      .filter((check) => names.has(check))
      .map((check) => [check, { nodes: Object.fromEntries(cast.flatMap((vote) => repliesOf(vote, check))) }]),
  );
}

/** What a check said: nothing but data. */
export type RecordedReply = 'pass' | { readonly fail: string };

function repliesOf(
  vote: NonNullable<DecisionRecord['votes']>['cast'][number],
  check: string,
): readonly (readonly [string, RecordedReply])[] {
  const result = vote.checks.find((one) => one.check === check);
  if (result === undefined) return [];
  return [[vote.voter, result.verdict === 'pass' ? 'pass' : { fail: result.reason ?? 'failed' }]];
}

/** Who took part in a recorded ballot, and who should have and did not. */
export interface RecordedMembers {
  /** All members, with their zones; a member of which nothing is known gets a name and a zone of its own. */
  readonly members: readonly { readonly id: string; readonly zone: string }[];
  /** Members without a vote that counts. */
  readonly absent: readonly string[];
}

/** Reads the members from the votes; nobody when no ballot was cast. */
export function recordedMembers({ votes }: Pick<DecisionRecord, 'votes'>): RecordedMembers {
  if (votes === undefined) return { members: [], absent: [] };
  const cast = votes.cast.map(({ voter, zone }) => ({ id: voter, zone }));
  const known = new Set(cast.map(({ id }) => id));
  const voided = [...new Set(votes.voided.map(({ voter }) => voter))].filter((voter) => !known.has(voter));
  const silent = Math.max(0, votes.members - cast.length - voided.length);
  const absent = [...voided, ...Array.from({ length: silent }, (_, index) => `absent-${index + 1}`)];
  // A vote that was demanded from a zone and is missing was that of a node there.
  const missing = unmetRequirements(votes.cast).flatMap(({ zone }) => zone ?? []);
  const silentZones = missing.filter((zone) => cast.every((member) => member.zone !== zone));
  const members = [
    ...cast,
    ...absent.map((id, index) => ({ id, zone: silentZones[index] ?? `zone-of-${id}` })),
  ];
  return { members: members.sort((left, right) => (left.id < right.id ? -1 : 1)), absent };
}

/** What differs between a recorded decision and the one of a lab; ids and votes of the run do not count. */
export function replayDifference(
  before: DecisionRecord,
  now: DecisionRecord | undefined,
): ReplayDifference | undefined {
  if (now === undefined) return { eventId: before.event_id, before: textOf(before), now: 'undecided' };
  return essenceOf(before) === essenceOf(now)
    ? undefined
    : { eventId: before.event_id, before: textOf(before), now: textOf(now) };
}

function essenceOf({ decision, rule }: DecisionRecord): string {
  const what = decision.kind === 'remediate' ? decision.workflow : decision.reason;
  return `${rule ?? ''} ${decision.kind} ${what}`;
}

function textOf(record: DecisionRecord): string {
  const { decision, rule } = record;
  const text =
    decision.kind === 'remediate' ? `remediate with ${decision.workflow}` : describeDecision(decision);
  return rule === undefined ? text : `${rule}: ${text}`;
}

/** The event of a record, when it was one. */
export function recordedEvent(record: DecisionRecord): LazarusEvent | undefined {
  const { event } = record;
  return typeof event === 'object' && event !== null && 'event_type' in event && 'service' in event
    ? (event as LazarusEvent)
    : undefined;
}
