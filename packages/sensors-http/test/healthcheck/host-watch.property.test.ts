import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NEW_WATCH, stepWatch } from '../../src/healthcheck/host-watch.ts';
import type { WatchVerdict } from '../../src/healthcheck/host-watch.ts';

const statuses = fc.array(fc.constantFrom('healthy', 'unhealthy', 'unreachable' as const), { maxLength: 60 });
const bounds = fc.record({
  failures: fc.integer({ min: 1, max: 5 }),
  recoveries: fc.integer({ min: 1, max: 5 }),
});

/** The same said naively: look back over all answers since the last change. */
function naive(
  answers: readonly ('healthy' | 'unhealthy' | 'unreachable')[],
  limits: { readonly failures: number; readonly recoveries: number },
): readonly WatchVerdict[] {
  let since = 0;
  let isDown = false;
  return answers.map((_, index) => {
    const wanted = isDown ? limits.recoveries : limits.failures;
    const last = answers.slice(since, index + 1).slice(-wanted);
    const isTurn = last.length === wanted && last.every((answer) => (answer === 'healthy') === isDown);
    if (!isTurn) return 'nothing';
    since = index + 1;
    isDown = !isDown;
    return isDown ? 'incident' : 'recovered';
  });
}

describe('a watched host', () => {
  it('turns after so many equal answers in a row, as the naive reading says', () => {
    fc.assert(
      fc.property(statuses, bounds, (answers, limits) => {
        let state = NEW_WATCH;
        const verdicts = answers.map((answer) => {
          const step = stepWatch(state, answer, limits);
          state = step.state;
          return step.verdict;
        });
        expect(verdicts).toEqual(naive(answers, limits));
      }),
      { numRuns: 500 },
    );
  });
});
