import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createManualClock } from '@lazarus/testing';
import {
  createLimiterState,
  entityBound,
  LimiterOptions,
  stepLimiter,
} from '../../src/rate-limit/limiter.ts';
import { createServiceLimiter } from '../../src/rate-limit/service-limiter.ts';

const TEN_MINUTES_MS = 600_000;

describe('service limit', () => {
  it('allows 3 unique failing entities within 10 min and suspends at the 4th', () => {
    const clock = createManualClock();
    const limiter = createServiceLimiter({}, { clock });
    for (const host of ['web-1', 'web-2', 'web-3', 'web-3', 'web-1']) {
      expect(limiter.observe('web', host).verdict).toBe('pass');
    }
    expect(limiter.observe('web', 'web-4')).toMatchObject({
      verdict: 'fail',
      reason: '4 entities failed within 600 s, 3 are allowed',
    });
    expect(limiter.observe('api', 'api-1').verdict).toBe('pass');
  });

  it('resumes by itself exactly 10 min after the oldest of 4 entities was last seen', async () => {
    const clock = createManualClock();
    const limiter = createServiceLimiter({}, { clock });
    for (const host of ['web-1', 'web-2', 'web-3', 'web-4']) {
      limiter.observe('web', host);
      await clock.advance(1_000);
    }
    await clock.advance(TEN_MINUTES_MS - 4_001);
    expect(limiter.view('web').verdict).toBe('fail');
    await clock.advance(1);
    expect(limiter.view('web').verdict).toBe('pass');
  });

  it('counts 8 alarms of one host as one entity', () => {
    const limiter = createServiceLimiter({ maxEntities: 1 }, { clock: createManualClock() });
    for (let alarm = 0; alarm < 8; alarm += 1) expect(limiter.observe('web', 'web-1').verdict).toBe('pass');
  });

  it('takes whichever bound is reached first: 3 entities or 10 % of the hosts', () => {
    const bounds = { maxEntities: 3, maxEntitiesFraction: 0.1 };
    expect([5, 10, 29, 30, 1_000].map((hosts) => entityBound(bounds, hosts))).toEqual([1, 1, 2, 3, 3]);
  });

  it('allows nothing when a share is set and the number of hosts is unknown (S8)', () => {
    const limiter = createServiceLimiter({ maxEntitiesFraction: 0.5 }, { clock: createManualClock() });
    expect(limiter.observe('web', 'web-1').verdict).toBe('fail');
    expect(limiter.observe('web', 'web-1', { hosts: 10 }).verdict).toBe('pass');
  });

  it('suspends a service that has more failing entities than it can store', () => {
    const limiter = createServiceLimiter({ maxEntities: 50, maxStored: 20 }, { clock: createManualClock() });
    const last = Array.from({ length: 21 }, (_, host) => limiter.observe('web', `web-${host}`)).at(-1);
    expect(last).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('more than 20') as unknown,
    });
  });

  it('forgets idle services, more with each new one than come', async () => {
    const clock = createManualClock();
    const limiter = createServiceLimiter({}, { clock });
    for (let service = 0; service < 1_000; service += 1) limiter.observe(`old-${service}`, 'host');
    await clock.advance(TEN_MINUTES_MS);
    for (let service = 0; service < 500; service += 1) limiter.observe(`new-${service}`, 'host');
    expect(limiter.services).toBe(500);
    expect(limiter.view('old-1').evidence).toMatchObject({ entities: 0 });
  });

  it('equals a naive limiter over random histories', () => {
    const events = fc.array(
      fc.record({
        entity: fc.integer({ min: 0, max: 7 }).map(String),
        afterMs: fc.integer({ min: 0, max: 400_000 }),
      }),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(events, fc.integer({ min: 0, max: 6 }), (sequence, maxEntities) => {
        const options = LimiterOptions.parse({ maxEntities });
        const state = createLimiterState(options);
        const seen: { entity: string; atMs: number }[] = [];
        let nowMs = 0;
        for (const { entity, afterMs } of sequence) {
          nowMs += afterMs;
          seen.push({ entity, atMs: nowMs });
          const recent = seen.filter(({ atMs }) => nowMs - atMs < TEN_MINUTES_MS);
          const expected = new Set(recent.map((each) => each.entity)).size <= maxEntities ? 'pass' : 'fail';
          expect(stepLimiter(options, state, { entity }, nowMs).verdict.verdict).toBe(expected);
        }
      }),
      { numRuns: 300 },
    );
  });
});
