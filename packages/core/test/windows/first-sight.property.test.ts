import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFirstSight, seeId } from '../../src/windows/first-sight.ts';

const WINDOW_MS = 1_000;

describe('first sight', () => {
  it('repeats every id within the window of its first sight, and none after two windows', () => {
    const events = fc.array(
      fc.record({
        id: fc.integer({ min: 0, max: 9 }).map(String),
        afterMs: fc.integer({ min: 0, max: 700 }),
      }),
      {
        maxLength: 100,
      },
    );
    fc.assert(
      fc.property(events, (sequence) => {
        const state = createFirstSight({ windowMs: WINDOW_MS, capacity: 1_000, nowMs: 0 });
        const firstAtMs = new Map<string, number>();
        let nowMs = 0;
        for (const { id, afterMs } of sequence) {
          nowMs += afterMs;
          const { verdict } = seeId(state, id, nowMs);
          const ageMs = nowMs - (firstAtMs.get(id) ?? -Infinity);
          if (ageMs < WINDOW_MS) expect(verdict).toBe('repeated');
          if (ageMs >= 2 * WINDOW_MS) expect(verdict).toBe('first');
          if (verdict === 'first') firstAtMs.set(id, nowMs);
        }
      }),
    );
  });

  it('stores at most twice its capacity in a storm of 10 000 different ids (L5)', () => {
    const state = createFirstSight({ windowMs: WINDOW_MS, capacity: 100, nowMs: 0 });
    for (let id = 0; id < 10_000; id += 1) {
      seeId(state, `evt-${id}`, 0);
      expect(state.current.size + state.previous.size).toBeLessThanOrEqual(200);
    }
    expect(seeId(state, 'evt-9999', 0).verdict).toBe('repeated');
  });
});
