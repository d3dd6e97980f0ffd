import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { CALM, limitStorm } from '../src/storm-limit.ts';

describe('storm limit', () => {
  it('no window holds more than the limit, and every message is either sent or counted as held back', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.nat(20), { maxLength: 80 }),
        (maxPerWindow, windowMs, gaps) => {
          let state = CALM;
          let nowMs = 0;
          let reported = 0;
          const sent: number[] = [];
          for (const gapMs of gaps) {
            nowMs += gapMs;
            const step = limitStorm(state, { maxPerWindow, windowMs }, nowMs);
            state = step.state;
            if (!step.verdict.send) continue;
            sent.push(nowMs);
            reported += step.verdict.heldBack;
          }
          for (const at of sent) {
            expect(sent.filter((other) => other > at - windowMs && other <= at).length).toBeLessThanOrEqual(
              maxPerWindow,
            );
          }
          expect(sent.length + reported + state.heldBack).toBe(gaps.length);
        },
      ),
    );
  });
});
