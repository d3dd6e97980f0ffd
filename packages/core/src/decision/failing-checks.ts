import type { BallotResult } from '../ports/voters.ts';

/** One line for each failing check of a ballot, with how many nodes said so and the first reason given. */
export function failingChecks(ballot: Pick<BallotResult, 'votes'>): readonly string[] {
  const reasons = new Map<string, { nodes: number; reason: string }>();
  for (const vote of ballot.votes) {
    for (const check of vote.checks) {
      if (check.verdict === 'pass') continue;
      const seen = reasons.get(check.check);
      reasons.set(check.check, {
        nodes: (seen?.nodes ?? 0) + 1,
        reason: seen?.reason ?? check.reason ?? 'no reason given',
      });
    }
  }
  return [...reasons].map(
    ([check, { nodes, reason }]) => `${check}: ${reason} (${nodes} ${nodes === 1 ? 'node' : 'nodes'})`,
  );
}
