/**
 * What a single node's check cannot decide alone: from where, and from how many nodes, the same check must pass. A check
 * puts the requirement into its evidence, every vote carries it to the tally, and the tally applies all requirements that
 * it finds in any vote. Nobody has to remember to configure it.
 */
import { z } from 'zod';
import type { CheckResult, Vote } from '../ports/voters.ts';

/** A demand on the ballot as a whole. */
export interface QuorumRequirement {
  /** A node in this zone must pass the check. */
  readonly zone?: string;
  /** This many nodes must pass the check. */
  readonly agree?: number;
}

const RequirementSchema = z.strictObject({
  zone: z.string().min(1).optional(),
  agree: z.int().min(1).optional(),
});

/** The evidence entry of a check that makes a demand on the whole ballot. */
export function requiring(requirement: QuorumRequirement): { readonly requires: QuorumRequirement } {
  return { requires: Object.freeze(requirement) };
}

/** A plain copy of what evidence demands of the ballot; one that cannot be read stays one that cannot be met. */
export function copyRequirement(requires: unknown): Readonly<Record<string, unknown>> | 'unreadable' {
  try {
    const parsed = RequirementSchema.safeParse(requires);
    return parsed.success ? parsed.data : 'unreadable';
  } catch {
    return 'unreadable';
  }
}

/** A requirement that is not met by the votes so far. */
export interface UnmetRequirement {
  readonly check: string;
  readonly reason: string;
  /** Zones of which one more passing vote is needed; absent when any node helps. */
  readonly zone?: string;
  /** How many more nodes must pass the check; `Infinity` when nothing can help. */
  readonly missing: number;
}

const NONE: readonly UnmetRequirement[] = [];

/**
 * Applies every requirement found in these votes to these votes. Pure; a requirement that cannot be read is never met.
 * Votes of both verdicts count: a node may see the host down and still vote no for another reason.
 */
export function unmetRequirements(votes: readonly Vote[]): readonly UnmetRequirement[] {
  let unmet: Map<string, UnmetRequirement> | undefined;
  for (const vote of votes) {
    for (const { check, evidence } of vote.checks) {
      if (evidence?.['requires'] === undefined) continue;
      unmet ??= new Map();
      for (const problem of examine(check, evidence['requires'], votes))
        unmet.set(`${check}/${problem.reason}`, problem);
    }
  }
  return unmet === undefined ? NONE : [...unmet.values()];
}

function examine(check: string, requires: unknown, votes: readonly Vote[]): UnmetRequirement[] {
  const parsed = RequirementSchema.safeParse(requires);
  if (!parsed.success)
    return [{ check, reason: 'carries a requirement that cannot be read', missing: Infinity }];
  const { zone, agree } = parsed.data;
  const passing = votes.filter((vote) => vote.checks.some((result) => passes(result, check)));
  const unmet: UnmetRequirement[] = [];
  if (zone !== undefined && !passing.some((vote) => vote.zone === zone)) {
    unmet.push({ check, zone, missing: 1, reason: `needs a pass from the node in zone ${zone}` });
  }
  if (agree !== undefined && passing.length < agree) {
    unmet.push({ check, missing: agree - passing.length, reason: `needs a pass from ${agree} nodes` });
  }
  return unmet;
}

function passes(result: CheckResult, check: string): boolean {
  return result.check === check && result.verdict === 'pass';
}
