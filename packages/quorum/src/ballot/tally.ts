import { unmetRequirements } from '@lazarus/core/gates';
import type { UnmetRequirement } from '@lazarus/core/gates';
import type { Vote } from '@lazarus/core/ports';
import type { Member } from '../coordinator/membership.ts';

/** What a tally is counted against. */
export interface TallyTerms {
  readonly members: readonly Member[];
  readonly required: number;
  /** Members that have not answered and still may. */
  readonly outstanding: readonly Member[];
}

/** State of a ballot. `open`: the outstanding votes decide. */
export interface Tally {
  readonly outcome: 'reached' | 'open' | 'not_reached';
  readonly yes: number;
  /** What the ballot as a whole must still show, for example a vote from the host's own zone. */
  readonly unmet: readonly UnmetRequirement[];
}

/**
 * Counts votes. Reached means: enough yes votes of distinct members, and every requirement that any vote carries is met;
 * the own-zone rule is such a requirement and comes with the evidence of the check itself. Says `not_reached` as soon as
 * the outstanding votes can no longer change it. Pure, and independent of the order of votes. Keeps S2.
 */
export function tally(votes: readonly Vote[], terms: TallyTerms): Tally {
  const cast = distinctMembers(votes, terms.members);
  let yes = 0;
  for (const { verdict } of cast) if (verdict === 'yes') yes += 1;
  const unmet = unmetRequirements(cast);
  if (yes >= terms.required && unmet.length === 0) return { outcome: 'reached', yes, unmet };
  const isPossible =
    yes + terms.outstanding.length >= terms.required &&
    unmet.every((each) => canBeMet(each, terms.outstanding));
  return { outcome: isPossible ? 'open' : 'not_reached', yes, unmet };
}

/** The first vote of each member, seen from the zone that the membership gives it, not the one it claims. */
function distinctMembers(votes: readonly Vote[], members: readonly Member[]): Vote[] {
  const cast: Vote[] = [];
  for (const { id, zone } of members) {
    const vote = votes.find((each) => each.voter === id);
    if (vote !== undefined) cast.push(vote.zone === zone ? vote : { ...vote, zone });
  }
  return cast;
}

function canBeMet(requirement: UnmetRequirement, outstanding: readonly Member[]): boolean {
  const { zone } = requirement;
  const helpful = zone === undefined ? outstanding : outstanding.filter((member) => member.zone === zone);
  return helpful.length >= requirement.missing;
}
