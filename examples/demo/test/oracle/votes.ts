import type { Oracle } from './recording.ts';
import { firstEffects, remediations } from './recording.ts';

/** S3, and the time that a call may be on its way after the last look. */
const FRESH_MS = 10_000;
const ON_THE_WAY_MS = 2_000;
/** For how long nodes keep a configuration that was replaced. */
const SHELF_MS = 61_000;

/** S2: nothing begins without yes votes of enough distinct members, all of them before it began. */
export const quorumBeforeEffect: Oracle = (recording) => {
  const decisions = remediations(recording);
  return firstEffects(recording).flatMap(({ decisionId, action, atMs }) => {
    const record = decisions.get(decisionId);
    const yes = new Set(
      (record?.votes?.cast ?? [])
        .filter(({ verdict, voter }) => verdict === 'yes' && recording.members.includes(voter))
        .map(({ voter }) => voter),
    );
    if (yes.size < recording.required)
      return [
        `S2: ${action} for ${decisionId} with ${yes.size} yes votes of members, ${recording.required} are needed`,
      ];
    const ballot = record?.gates.find(({ gate }) => gate === 'ballot');
    const endedMs = ballot === undefined ? Infinity : Date.parse(ballot.at) + ballot.duration_ms;
    return endedMs <= atMs ? [] : [`S2: ${action} for ${decisionId} before its ballot had ended`];
  });
};

/** S3: a ballot began within 10 s before whatever a run did first. */
export const freshEvidence: Oracle = (recording) =>
  firstEffects(recording).flatMap(({ decisionId, action, atMs }) => {
    const ages = recording.ballots
      .filter((ballot) => ballot.decisionId === decisionId && ballot.outcome === 'reached')
      .map(({ startedAtMs }) => atMs - startedAtMs)
      .filter((ageMs) => ageMs >= 0);
    if (ages.some((ageMs) => ageMs <= FRESH_MS + ON_THE_WAY_MS)) return [];
    const age = ages.length === 0 ? 'never' : `${(Math.min(...ages) / 1000).toFixed(1)} s before`;
    return [`S3: ${action} for ${decisionId}; its preconditions were looked at ${age}`];
  });

/** S15: whoever voted yes had the configuration of the decision in force, or until a minute before. */
export const oneConfiguration: Oracle = (recording) =>
  [...remediations(recording)].flatMap(([decisionId, record]) => {
    const decidedMs = Date.parse(record.decided_at);
    const voters = (record.votes?.cast ?? [])
      .filter(({ verdict }) => verdict === 'yes')
      .map(({ voter }) => voter);
    return voters
      .filter((voter) => !hadInForce(recording, voter, record.config_digest, decidedMs))
      .map((voter) => `S15: ${voter} voted yes on ${decisionId} without having its configuration`);
  });

function hadInForce(
  { configurations }: Parameters<Oracle>[0],
  node: string,
  digest: string | undefined,
  atMs: number,
): boolean {
  const mine = configurations.filter((each) => each.node === node).sort((x, y) => x.fromMs - y.fromMs);
  return mine.some(({ digest: its, fromMs }, index) => {
    const untilMs = mine[index + 1]?.fromMs ?? Infinity;
    return its === digest && fromMs <= atMs && atMs <= untilMs + SHELF_MS;
  });
}
