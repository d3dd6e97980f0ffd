import type { CheckResult, Vote } from '@lazarus/core/ports';
import { majorityOf, type Member, requiredVotes, resolveMembership, tally } from '@lazarus/quorum';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

type Say = 'yes' | 'no' | 'silent';

const membersOf = (count: number): Member[] =>
  Array.from({ length: count }, (_, index) => ({ id: `n${index}`, zone: `z${index}` }));

function vote(member: Member, verdict: 'yes' | 'no', down?: CheckResult): Vote {
  return {
    voter: member.id,
    zone: member.zone,
    verdict,
    durationMs: 1,
    checks: down === undefined ? [] : [down],
  };
}

function* permutations<T>(items: readonly T[]): Generator<readonly T[]> {
  if (items.length <= 1) yield items;
  for (const [index, item] of items.entries()) {
    for (const rest of permutations(items.toSpliced(index, 1))) yield [item, ...rest];
  }
}

function* assignments(count: number): Generator<readonly Say[]> {
  if (count === 0) yield [];
  else
    for (const rest of assignments(count - 1))
      for (const say of ['yes', 'no', 'silent'] as const) yield [...rest, say];
}

describe.each([3, 5])('tally of %i members', (count) => {
  const members = membersOf(count);
  const required = majorityOf(count);

  it('is right after every vote, in every order of every combination of yes, no and silence (S2)', () => {
    let checked = 0;
    for (const says of assignments(count)) {
      const votes = members.flatMap((member, index) =>
        says[index] === 'silent' ? [] : [vote(member, says[index]!)],
      );
      for (const order of permutations(votes)) {
        for (let length = 0; length <= order.length; length += 1) {
          const soFar = order.slice(0, length);
          const yes = soFar.filter((each) => each.verdict === 'yes').length;
          const outstanding = members.filter((member) => !soFar.some((each) => each.voter === member.id));
          const expected =
            yes >= required ? 'reached' : yes + outstanding.length >= required ? 'open' : 'not_reached';
          if (tally(soFar, { members, required, outstanding }).outcome !== expected) {
            expect({ soFar, expected }).toBe('counted differently');
          }
          checked += 1;
        }
      }
    }
    expect(checked).toBeGreaterThan(count === 3 ? 200 : 30_000);
  });

  it('never is reached and not reached in two orders of the same votes', () => {
    for (const says of assignments(count)) {
      const votes = members.flatMap((member, index) =>
        says[index] === 'silent' ? [] : [vote(member, says[index]!)],
      );
      const outcomes = new Set(
        [...permutations(votes)].map((order) => tally(order, { members, required, outstanding: [] }).outcome),
      );
      expect(outcomes.size).toBe(1);
      expect(outcomes.has('open')).toBe(false);
    }
  });
});

describe('own-zone rule', () => {
  const members = membersOf(3);
  const sees = (verdict: 'pass' | 'fail', zone = 'z0'): CheckResult => ({
    check: 'HealthCheckDown',
    verdict,
    reason: 'looked',
    evidence: { requires: { zone } },
    durationMs: 1,
  });
  const [n0, n1, n2] = members as [Member, Member, Member];
  const count = (votes: readonly Vote[], outstanding: readonly Member[] = []) =>
    tally(votes, { members, required: 2, outstanding });

  it("is not met by two yes votes from other zones, and waits for the node of the host's own zone", () => {
    const votes = [vote(n1, 'yes', sees('pass')), vote(n2, 'yes', sees('pass'))];
    expect(count(votes, [n0])).toMatchObject({ outcome: 'open', yes: 2 });
    expect(count(votes)).toMatchObject({
      outcome: 'not_reached',
      unmet: [{ check: 'HealthCheckDown', reason: 'needs a pass from the node in zone z0' }],
    });
  });

  it('is not met when the node of the own zone sees the host healthy', () => {
    const votes = [
      vote(n0, 'no', sees('fail')),
      vote(n1, 'yes', sees('pass')),
      vote(n2, 'yes', sees('pass')),
    ];
    expect(count(votes).outcome).toBe('not_reached');
  });

  it('is met by a down from the own zone, also when that node votes no for another reason', () => {
    expect(count([vote(n0, 'yes', sees('pass')), vote(n1, 'yes', sees('pass'))], [n2]).outcome).toBe(
      'reached',
    );
    expect(
      count([vote(n0, 'no', sees('pass')), vote(n1, 'yes', sees('pass')), vote(n2, 'yes', sees('pass'))])
        .outcome,
    ).toBe('reached');
  });

  it('goes by the zone of the membership, not by the one that a vote claims', () => {
    const lying = { ...vote(n1, 'yes', sees('pass')), zone: 'z0' };
    expect(count([lying, vote(n2, 'yes', sees('pass'))]).outcome).toBe('not_reached');
  });

  it('cannot be met when no node runs in the zone of the host', () => {
    const votes = members.map((member) => vote(member, 'yes', sees('pass', 'elsewhere')));
    expect(count(votes).outcome).toBe('not_reached');
    expect(count([vote(n0, 'yes', sees('pass', 'elsewhere'))], [n1, n2]).outcome).toBe('not_reached');
  });

  it('is not met by a requirement that cannot be read', () => {
    const odd = { ...sees('pass'), evidence: { requires: { zone: 7 } } };
    expect(count([vote(n0, 'yes', odd), vote(n1, 'yes', odd)], [n2]).outcome).toBe('not_reached');
  });
});

describe('agreement of n of m', () => {
  it('waits for as many passing nodes as the check demands, beyond the quorum', () => {
    const members = membersOf(3);
    const down = {
      check: 'HealthCheckDown',
      verdict: 'pass',
      evidence: { requires: { agree: 3 } },
      durationMs: 1,
    } as const;
    const votes = members.map((member) => vote(member, 'yes', down));
    const terms = { members, required: 2 };
    expect(tally(votes.slice(0, 2), { ...terms, outstanding: members.slice(2) }).outcome).toBe('open');
    expect(tally(votes.slice(0, 2), { ...terms, outstanding: [] }).outcome).toBe('not_reached');
    expect(tally(votes, { ...terms, outstanding: [] }).outcome).toBe('reached');
  });
});

describe('repeated and foreign votes', () => {
  it('count as nothing, however many there are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.boolean()), { maxLength: 30 }),
        (casts) => {
          const members = membersOf(3);
          const everybody = membersOf(6);
          const votes = casts.map(([index, isYes]) => vote(everybody[index]!, isYes ? 'yes' : 'no'));
          const firsts = members.map((member) => votes.find((each) => each.voter === member.id)?.verdict);
          const { yes } = tally(votes, { members, required: 2, outstanding: [] });
          expect(yes).toBe(firsts.filter((verdict) => verdict === 'yes').length);
        },
      ),
    );
  });
});

describe('membership', () => {
  const members = membersOf(3);

  it('needs 1 of 1, 2 of 2, 2 of 3, 3 of 4 and 3 of 5 by default', () => {
    expect([1, 2, 3, 4, 5].map((size) => resolveMembership({ members: membersOf(size) }).required)).toEqual([
      1, 2, 2, 3, 3,
    ]);
  });

  it('refuses a quorum of half or less, more than there are, and two members with one id', () => {
    expect(() => resolveMembership({ members, required: 1 })).toThrow('1 of 3 is no quorum, expected 2 to 3');
    expect(() => resolveMembership({ members, required: 4 })).toThrow('4 of 3');
    expect(() => resolveMembership({ members: [...members, members[0]!] })).toThrow('share an id');
    expect(() => resolveMembership({ members: [] })).toThrow(/members/);
  });

  it('lets a rule ask for more votes, never for fewer', () => {
    const three = resolveMembership({ members });
    expect([undefined, 1, 2, 3, 5].map((asked) => requiredVotes(three, asked))).toEqual([2, 2, 2, 3, 3]);
    expect(requiredVotes(resolveMembership({ members: members.slice(0, 1) }), 2)).toBe(1);
  });
});
