import { createManualClock } from '@lazarus/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BreakerState } from '../../src/circuit-breaker/breaker.ts';
import { BreakerOptions, serviceBound, stepBreaker } from '../../src/circuit-breaker/breaker.ts';
import { createCircuitBreaker } from '../../src/circuit-breaker/circuit-breaker.ts';

const MINUTE_MS = 60_000;
const closed: BreakerState = { phase: 'closed', sinceMs: 0 };

describe('region circuit', () => {
  it('opens at the 6th unique failing service within 10 min', () => {
    const breaker = createCircuitBreaker({}, { clock: createManualClock() });
    for (const service of ['a', 'b', 'c', 'd', 'e', 'e'])
      expect(breaker.observe(service).state).toBe('closed');
    expect(breaker.observe('f')).toEqual({ state: 'open', services: 6, maxServices: 5, openForMs: 0 });
  });

  it('stays open between the two thresholds, and closes below 3 services once the window has let go', async () => {
    const clock = createManualClock();
    const breaker = createCircuitBreaker({}, { clock });
    for (const service of ['a', 'b', 'c']) breaker.observe(service);
    await clock.advance(5 * MINUTE_MS);
    for (const service of ['d', 'e', 'f']) breaker.observe(service);
    await clock.advance(5 * MINUTE_MS);
    expect(breaker.view()).toMatchObject({ state: 'open', services: 3, openForMs: 5 * MINUTE_MS });
    await clock.advance(5 * MINUTE_MS);
    expect(breaker.view()).toEqual({ state: 'closed', services: 0, maxServices: 5, openForMs: 0 });
  });

  it('goes on counting while it is open', async () => {
    const clock = createManualClock();
    const breaker = createCircuitBreaker({}, { clock });
    for (const service of ['a', 'b', 'c', 'd', 'e', 'f']) breaker.observe(service);
    await clock.advance(9 * MINUTE_MS);
    for (const service of ['a', 'b', 'c', 'd']) breaker.observe(service);
    await clock.advance(2 * MINUTE_MS);
    expect(breaker.view()).toMatchObject({ state: 'open', services: 4 });
  });

  it('stays open for at least minOpenMs although nothing fails any more', () => {
    const bounds = BreakerOptions.parse({ minOpenMs: 1_000 });
    const input = { services: 0, isWholeWindowKnown: true };
    const open: BreakerState = { phase: 'open', sinceMs: 0 };
    expect(stepBreaker(bounds, open, input, 999).verdict.state).toBe('open');
    expect(stepBreaker(bounds, open, input, 1_000).verdict.state).toBe('closed');
  });

  it('is unknown, not closed, while it may have missed something (S7)', () => {
    const bounds = BreakerOptions.parse({});
    const input = { services: 0, isWholeWindowKnown: false };
    expect(stepBreaker(bounds, { phase: 'unknown', sinceMs: 0 }, input, 5).verdict.state).toBe('unknown');
    expect(stepBreaker(bounds, closed, input, 5).verdict.state).toBe('unknown');
    expect(stepBreaker(bounds, { phase: 'open', sinceMs: 0 }, input, 5).verdict.state).toBe('open');
  });

  it('allows no failing service when a share is set and the number of services is unknown (S8)', () => {
    const bounds = BreakerOptions.parse({ maxServicesFraction: 0.2 });
    expect(serviceBound(bounds, undefined)).toBe(0);
    expect([3, 10, 25, 1_000].map((known) => serviceBound(bounds, known))).toEqual([1, 2, 5, 5]);
  });

  it('refuses a closing threshold at which it would have to open again', () => {
    expect(() =>
      createCircuitBreaker({ maxServices: 3, closeBelow: 5 }, { clock: createManualClock() }),
    ).toThrow(/closeBelow/);
  });

  it('never is closed above its bound, never closes early, and never opens without a reason', () => {
    const inputs = fc.array(
      fc.record({ services: fc.integer({ min: 0, max: 12 }), afterMs: fc.integer({ min: 0, max: 200_000 }) }),
      { maxLength: 80 },
    );
    const options = fc.record({
      maxServices: fc.integer({ min: 0, max: 8 }),
      minOpenMs: fc.constantFrom(0, 1_000, 120_000),
    });
    fc.assert(
      fc.property(inputs, options, (sequence, { maxServices, minOpenMs }) => {
        const bounds = BreakerOptions.parse({ maxServices, minOpenMs });
        const closeBelow = Math.max(1, Math.ceil(maxServices / 2));
        let state: BreakerState = closed;
        let nowMs = 0;
        let isOpen = false;
        let openedAtMs = 0;
        for (const { services, afterMs } of sequence) {
          nowMs += afterMs;
          if (!isOpen && services > maxServices) {
            isOpen = true;
            openedAtMs = nowMs;
          } else if (isOpen && services < closeBelow && nowMs - openedAtMs >= minOpenMs) {
            isOpen = false;
          }
          const step = stepBreaker(bounds, state, { services, isWholeWindowKnown: true }, nowMs);
          state = step.state;
          expect(step.verdict.state).toBe(isOpen ? 'open' : 'closed');
          expect(step.verdict.openForMs).toBe(isOpen ? nowMs - openedAtMs : 0);
          expect(step.verdict.state === 'closed' && services > maxServices).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });
});
