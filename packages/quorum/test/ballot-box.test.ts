import type { Answer, BallotInput } from '@lazarus/quorum';
import { openBallot, stepBallot, tallyOf } from '@lazarus/quorum';
import { describe, expect, it } from 'vitest';
import { threeMembers } from './three-nodes.ts';

const box = openBallot({
  membership: threeMembers,
  required: 2,
  decisionId: 'd1',
  configDigest: 'digest-1',
  nonce: 'ballot-1',
  startedAtMs: 100,
  deadlineAtMs: 1_000,
});

const answer = (
  voter: string,
  zone: string,
  overrides: Partial<Record<keyof Answer, unknown>> = {},
): unknown => ({
  version: 1,
  decision_id: 'd1',
  config_digest: 'digest-1',
  membership_epoch: 4,
  nonce: 'ballot-1',
  expires_at: 1_000,
  voter,
  zone,
  verdict: 'yes',
  checks: [{ check: 'Test', verdict: 'pass', durationMs: 1 }],
  ...overrides,
});
const fromA = (overrides: Partial<Record<keyof Answer, unknown>> = {}): BallotInput => ({
  kind: 'answer',
  asked: 'a',
  from: 'a',
  answer: answer('a', 'us-east-1a', overrides),
});

describe('ballot box', () => {
  it('counts a timely vote that repeats the question, with its round trip', () => {
    const { state, verdict } = stepBallot(box, fromA(), 150);
    expect(verdict).toMatchObject({ counted: true, vote: { voter: 'a', verdict: 'yes', durationMs: 50 } });
    expect(state.outstanding).toEqual(['b', 'c']);
    expect(tallyOf(state)).toMatchObject({ yes: 1, outcome: 'open' });
  });

  it.each<[string, Partial<Record<keyof Answer, unknown>>, string]>([
    ['of an earlier ballot', { nonce: 'ballot-0' }, 'nonce_differs'],
    ['about another decision', { decision_id: 'd2' }, 'nonce_differs'],
    ['under another configuration', { config_digest: 'digest-2' }, 'config_digest_differs'],
    ['of another membership', { membership_epoch: 3 }, 'membership_epoch_differs'],
    ['with another expiry', { expires_at: 999 }, 'expired'],
    ["in somebody else's name", { voter: 'b' }, 'identity_differs'],
    ["from another zone than its member's", { zone: 'us-east-1b' }, 'identity_differs'],
    ['without a verdict', { verdict: undefined }, 'malformed'],
    ['with an unknown field', { extra: 1 } as never, 'malformed'],
    [
      'that says yes although a check failed',
      { checks: [{ check: 'Test', verdict: 'fail', reason: 'x', durationMs: 1 }] },
      'malformed',
    ],
    ['that says yes without a check (S8)', { checks: [] }, 'malformed'],
    ['of another version', { version: 2 }, 'malformed'],
  ])('voids a vote %s (S15, S18)', (_which, overrides, reason) => {
    const { state, verdict } = stepBallot(box, fromA(overrides), 150);
    expect(verdict).toMatchObject({ counted: false, voided: { voter: 'a', reason } });
    expect(tallyOf(state).yes).toBe(0);
    expect(state.voided).toHaveLength(1);
  });

  it('voids a vote at the deadline and counts one 1 ms before', () => {
    expect(stepBallot(box, fromA(), 1_000).verdict).toMatchObject({ voided: { reason: 'late' } });
    expect(stepBallot(box, fromA(), 999).verdict.counted).toBe(true);
  });

  it('voids a second vote of a member and keeps the first', () => {
    const first = stepBallot(box, fromA({ verdict: 'no' }), 150);
    const second = stepBallot(first.state, fromA(), 160);
    expect(second.verdict).toMatchObject({ voided: { reason: 'repeated' } });
    expect(tallyOf(second.state).yes).toBe(0);
  });

  it('voids a vote of somebody who is no member', () => {
    const stranger: BallotInput = {
      kind: 'answer',
      asked: 'a',
      from: 'x',
      answer: answer('x', 'us-east-1a'),
    };
    expect(stepBallot(box, stranger, 150).verdict).toMatchObject({
      voided: { voter: 'x', reason: 'unknown_member' },
    });
  });

  it('voids an answer of one member on the connection of another', () => {
    const crossed: BallotInput = { kind: 'answer', asked: 'a', from: 'b', answer: answer('b', 'us-east-1b') };
    expect(stepBallot(box, crossed, 150).verdict).toMatchObject({ voided: { reason: 'identity_differs' } });
  });

  it('is not reached as soon as two of three members cannot be asked (L4)', () => {
    const one = stepBallot(box, { kind: 'failed', asked: 'b', detail: 'refused' }, 150);
    expect(tallyOf(one.state).outcome).toBe('open');
    const two = stepBallot(one.state, { kind: 'failed', asked: 'c', detail: 'refused' }, 150);
    expect(tallyOf(two.state).outcome).toBe('not_reached');
    expect(two.state.voided.map(({ reason }) => reason)).toEqual(['transport_failed', 'transport_failed']);
  });

  it('does not change what it was given', () => {
    const before = JSON.stringify(box);
    stepBallot(box, fromA(), 150);
    expect(JSON.stringify(box)).toBe(before);
  });
});
