import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  countKeys,
  createRollingWindow,
  exportKeys,
  hasKey,
  observeKey,
  UNCOUNTABLE,
} from '../../src/windows/rolling-window.ts';

const WINDOW_MS = 1_000;

/** Keys from a small set, and steps that often land exactly on the edge of the window. */
const history = fc.array(
  fc.record({
    key: fc.integer({ min: 0, max: 24 }).map((number) => `host-${number}`),
    // Mostly short steps, so that the window often holds enough keys to be indexed.
    afterMs: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: 50 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 400 }) },
      { weight: 1, arbitrary: fc.constantFrom(0, 1, WINDOW_MS - 1, WINDOW_MS, WINDOW_MS + 1) },
    ),
  }),
  { maxLength: 120, size: 'large' },
);

const distinctWithin = (seen: readonly { key: string; atMs: number }[], nowMs: number): string[] => [
  ...new Set(seen.filter(({ atMs }) => atMs > nowMs - WINDOW_MS && atMs <= nowMs).map(({ key }) => key)),
];

describe('rolling window', () => {
  it('equals a naive count of distinct keys in (now - window, now] after every event (S7)', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 0, max: 2 * WINDOW_MS }), (events, afterwardsMs) => {
        const window = createRollingWindow({ windowMs: WINDOW_MS, capacity: 100 });
        const seen: { key: string; atMs: number }[] = [];
        let nowMs = 0;
        for (const { key, afterMs } of events) {
          nowMs += afterMs;
          observeKey(window, key, nowMs);
          seen.push({ key, atMs: nowMs });
          expect(countKeys(window, nowMs)).toBe(distinctWithin(seen, nowMs).length);
        }
        nowMs += afterwardsMs;
        const expected = distinctWithin(seen, nowMs);
        expect(
          exportKeys(window, nowMs)
            .map(({ key }) => key)
            .sort(),
        ).toEqual(expected.sort());
        for (const key of ['host-0', 'host-1'])
          expect(hasKey(window, key, nowMs)).toBe(expected.includes(key));
      }),
      { numRuns: 400 },
    );
  });

  it('stores at most its capacity, and counts too high rather than too low when a key does not fit (L5, S7)', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 12 }), (events, capacity) => {
        const window = createRollingWindow({ windowMs: WINDOW_MS, capacity });
        const seen: { key: string; atMs: number }[] = [];
        let nowMs = 0;
        for (const { key, afterMs } of events) {
          nowMs += afterMs;
          observeKey(window, key, nowMs);
          seen.push({ key, atMs: nowMs });
          const exact = distinctWithin(seen, nowMs).length;
          const counted = countKeys(window, nowMs);
          expect(window.size).toBeLessThanOrEqual(capacity);
          expect(counted === exact || counted === UNCOUNTABLE).toBe(true);
          if (exact > capacity) expect(counted).toBe(UNCOUNTABLE);
        }
        expect(countKeys(window, nowMs + 2 * WINDOW_MS)).toBe(0);
      }),
    );
  });

  it('counts a key again that it had forgotten, also when it holds enough keys to be indexed', () => {
    const window = createRollingWindow({ windowMs: WINDOW_MS, capacity: 100 });
    for (let host = 0; host < 12; host += 1) observeKey(window, `host-${host}`, 0);
    for (let host = 0; host < 4; host += 1) observeKey(window, `host-${host}`, WINDOW_MS);
    expect(countKeys(window, WINDOW_MS)).toBe(4);
  });

  it('reports every key that it forgets, once', () => {
    const window = createRollingWindow({ windowMs: WINDOW_MS, capacity: 50 });
    const forgotten: string[] = [];
    for (let step = 0; step < 30; step += 1) {
      observeKey(window, `host-${step}`, step * 100, (key) => forgotten.push(key));
    }
    expect(forgotten).toEqual(Array.from({ length: 20 }, (_, step) => `host-${step}`));
  });

  it('keeps its order when a clock hands out an earlier time', () => {
    const window = createRollingWindow({ windowMs: WINDOW_MS, capacity: 10 });
    observeKey(window, 'a', 500);
    observeKey(window, 'b', 100);
    expect(countKeys(window, 1_499)).toBe(2);
    expect(countKeys(window, 1_500)).toBe(0);
  });
});
