import { describe, expect, it } from 'vitest';
import { unmetRequirements } from '../../src/preconditions/quorum-requirement.ts';
import { readVerdict } from '../../src/preconditions/read-verdict.ts';

const cyclic: Record<string, unknown> = {};
cyclic['self'] = cyclic;

const throwing = (name: string): object =>
  Object.defineProperty({}, name, {
    enumerable: true,
    get: () => {
      throw new Error('gone');
    },
  });

describe('the evidence of a plugin', () => {
  it.each([
    ['is cyclic', { requires: cyclic }],
    ['is no JSON', { requires: { agree: 2n } }],
    ['throws when a part is read', { requires: throwing('agree') }],
    ['throws when it is read', throwing('requires')],
  ])('S2: can be sent, and its demand is never met, when it %s', (_what, evidence) => {
    const result = readVerdict({ verdict: 'pass', evidence });
    expect(() => JSON.stringify(result)).not.toThrow();
    const vote = {
      voter: 'a',
      zone: 'a',
      verdict: 'yes',
      checks: [{ check: 'Plugin', durationMs: 1, ...result }],
      durationMs: 1,
    } as const;
    expect(unmetRequirements([vote])).toMatchObject([{ missing: Infinity }]);
  });

  it('keeps a demand that can be read when the rest cannot be sent', () => {
    const { evidence } = readVerdict({ verdict: 'pass', evidence: { requires: { agree: 2 }, rest: cyclic } });
    expect(evidence).toEqual({ requires: { agree: 2 }, dropped: 'evidence was not JSON' });
  });
});
