import { createSeededRandom } from '@lazarus/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stepError } from '../src/index.ts';
import type { RetryPolicy, StepErrorClass } from '../src/index.ts';
import { decideRetry } from '../src/coordinator/retry.ts';

const CLASSES = ['transient', 'timeout', 'permanent'] as const;
const policies: fc.Arbitrary<RetryPolicy> = fc.record({
  maxAttempts: fc.integer({ min: 1, max: 20 }),
  initialMs: fc.integer({ min: 0, max: 60_000 }),
  factor: fc.double({ min: 1, max: 10, noNaN: true }),
  maxMs: fc.integer({ min: 0, max: 3_600_000 }),
  jitter: fc.constantFrom('full', 'none'),
  on: fc.subarray([...CLASSES], { minLength: 1 }),
});
const chances = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const failed = (errorClass: StepErrorClass) => stepError('LZ_ACTUATOR_TRANSIENT', 'x', errorClass);

const POLICY: RetryPolicy = {
  maxAttempts: 20,
  initialMs: 1_000,
  factor: 2,
  maxMs: 30_000,
  jitter: 'full',
  on: ['transient'],
};

/** Delay before the next attempt, milliseconds. */
function delayMs(failures: number, chance: number, policy: RetryPolicy = POLICY): number {
  const verdict = decideRetry(policy, failures, failed('transient'), chance);
  if (!verdict.retry) throw new Error('it was not repeated');
  return verdict.delayMs;
}

describe('a retry', () => {
  it('happens exactly while attempts are left and the class of the error is listed', () => {
    fc.assert(
      fc.property(
        policies,
        fc.integer({ min: 1, max: 25 }),
        fc.constantFrom(...CLASSES),
        chances,
        (policy, failures, errorClass, chance) => {
          const { retry } = decideRetry(policy, failures, failed(errorClass), chance);
          expect(retry).toBe(failures < policy.maxAttempts && policy.on.includes(errorClass));
        },
      ),
    );
  });

  it('never happens after a safe point refused, whatever is listed', () => {
    fc.assert(
      fc.property(policies, chances, (policy, chance) => {
        expect(decideRetry(policy, 1, failed('stopped'), chance)).toEqual({ retry: false });
      }),
    );
  });

  it('waits no longer than initial times factor to the power of the failures before, nor than the maximum', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 19 }), chances, (policy, failures, chance) => {
        const verdict = decideRetry({ ...policy, on: ['transient'] }, failures, failed('transient'), chance);
        if (!verdict.retry) return;
        const ceilingMs = Math.min(policy.maxMs, policy.initialMs * policy.factor ** (failures - 1));
        expect(verdict.delayMs).toBeGreaterThanOrEqual(0);
        expect(verdict.delayMs).toBeLessThanOrEqual(Math.round(ceilingMs));
        if (policy.jitter === 'none') expect(verdict.delayMs).toBe(Math.round(ceilingMs));
      }),
    );
  });

  it('never comes before the time that the provider asked for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 600_000 }), chances, (retryAfterMs, chance) => {
        const error = { ...failed('transient'), retryAfterMs };
        expect(decideRetry(POLICY, 1, error, chance)).toMatchObject({
          retry: true,
          delayMs: Math.max(retryAfterMs, Math.round(chance * 1_000)),
        });
      }),
    );
  });
});

describe('full jitter', () => {
  it.each([
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
    [5, 16_000],
    [6, 30_000],
    [19, 30_000],
  ])('after failure %i is spread evenly from 0 to %i ms', (failures, ceilingMs) => {
    const random = createSeededRandom(failures);
    const delays = Array.from({ length: 20_000 }, () => delayMs(failures, random.next()));
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
    expect(mean / ceilingMs).toBeGreaterThan(0.48);
    expect(mean / ceilingMs).toBeLessThan(0.52);
    expect(Math.min(...delays)).toBeLessThan(ceilingMs * 0.01);
    expect(Math.max(...delays)).toBeGreaterThan(ceilingMs * 0.99);
    const deciles = Array.from({ length: 10 }, () => 0);
    for (const delay of delays) {
      const decile = Math.min(9, Math.floor((delay / ceilingMs) * 10));
      deciles[decile] = (deciles[decile] ?? 0) + 1;
    }
    for (const count of deciles) {
      expect(count).toBeGreaterThan(1_700);
      expect(count).toBeLessThan(2_300);
    }
  });

  it('keeps 1,000 runs that failed at once from knocking at once: at most 4 % in any 20 ms', () => {
    const random = createSeededRandom(7);
    const delays = Array.from({ length: 1_000 }, () => delayMs(1, random.next()));
    const slots = Map.groupBy(delays, (delay) => Math.floor(delay / 20));
    expect(Math.max(...[...slots.values()].map((slot) => slot.length))).toBeLessThanOrEqual(40);
    expect(slots.size).toBeGreaterThanOrEqual(48);
    const plain = Array.from({ length: 1_000 }, () =>
      delayMs(1, random.next(), { ...POLICY, jitter: 'none' }),
    );
    expect(new Set(plain)).toEqual(new Set([1_000]));
  });
});
