import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterCheck, NEW_TARGET } from '../src/balancer/target-health.ts';
import type { CheckResult } from '../src/balancer/target-health.ts';

const passed: CheckResult = { outcome: 'passed' };
const failed: CheckResult = { outcome: 'failed', reason: 'Target.Timeout', description: 'Request timed out' };

/** The rule read backwards over the whole history, as a second opinion. */
function naiveState(results: readonly boolean[], healthy: number, unhealthy: number): string {
  let state = 'initial';
  results.forEach((_, index) => {
    const upTo = results.slice(0, index + 1);
    const endsWith = (value: boolean, count: number): boolean =>
      upTo.length >= count && upTo.slice(-count).every((result) => result === value);
    if (endsWith(true, state === 'unhealthy' ? healthy : 1)) state = 'healthy';
    else if (endsWith(false, unhealthy)) state = 'unhealthy';
  });
  return state;
}

describe('target health', () => {
  it('agrees with a naive reading of the whole history of checks', () => {
    const history = fc.array(fc.boolean(), { maxLength: 20 });
    fc.assert(
      fc.property(
        history,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        (results, healthy, unhealthy) => {
          const thresholds = { healthyThreshold: healthy, unhealthyThreshold: unhealthy };
          const health = results.reduce(
            (state, ok) => afterCheck(state, ok ? passed : failed, thresholds),
            NEW_TARGET,
          );
          expect(health.state).toBe(naiveState(results, healthy, unhealthy));
          expect(health.reason).toBe(health.state === 'unhealthy' ? 'Target.Timeout' : undefined);
        },
      ),
    );
  });
});
