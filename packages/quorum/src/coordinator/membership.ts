import { ConfigurationError } from '@lazarus/core';
import { z } from 'zod';

/** One node that may vote. */
export interface Member {
  /** Also the identity in its certificate. Keeps S18. */
  readonly id: string;
  /** Availability zone in which it runs; the own-zone rule relies on it. */
  readonly zone: string;
}

/** Who may vote, and how many must agree. */
export const MembershipSchema = z.strictObject({
  /** Grows with every change of the list; votes of another epoch count as nothing. @defaultValue 1 */
  epoch: z.int().min(0).default(1),
  members: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/),
        zone: z.string().min(1).max(64),
      }),
    )
    .min(1)
    .max(9),
  /** Yes votes needed; always more than half. @defaultValue the smallest majority */
  required: z.int().min(1).max(9).optional(),
});

/** The resolved form. */
export interface Membership {
  readonly epoch: number;
  readonly members: readonly Member[];
  readonly required: number;
}

/**
 * Resolves and checks a membership. A quorum of half or less is refused: two halves could decide differently. Keeps S2.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 */
export function resolveMembership(input: z.input<typeof MembershipSchema>): Membership {
  const parsed = MembershipSchema.safeParse(input);
  const problems = parsed.success
    ? problemsOf(parsed.data)
    : parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
  if (!parsed.success || problems.length > 0) {
    throw new ConfigurationError({
      code: 'LZ_OPTION_INVALID',
      summary: 'the membership cannot be used:',
      issues: problems,
    });
  }
  const { epoch, members, required } = parsed.data;
  return Object.freeze({ epoch, members, required: required ?? majorityOf(members.length) });
}

/**
 * Yes votes that one ballot needs: a rule can ask for more than the membership does, never for less, and for all when it
 * asks for more than there are. Keeps S2.
 */
export function requiredVotes(membership: Membership, askedFor: number | undefined): number {
  return Math.max(membership.required, Math.min(askedFor ?? 0, membership.members.length));
}

/** The smallest number that is more than half. */
export function majorityOf(members: number): number {
  return Math.floor(members / 2) + 1;
}

function problemsOf(membership: z.output<typeof MembershipSchema>): { path: string; message: string }[] {
  const { members, required } = membership;
  const problems: { path: string; message: string }[] = [];
  const ids = new Set(members.map((member) => member.id));
  if (ids.size < members.length) problems.push({ path: 'members', message: 'two members share an id' });
  if (required !== undefined && (required < majorityOf(members.length) || required > members.length)) {
    const expected = `${majorityOf(members.length)} to ${members.length}`;
    problems.push({
      path: 'required',
      message: `${required} of ${members.length} is no quorum, expected ${expected}`,
    });
  }
  return problems;
}
