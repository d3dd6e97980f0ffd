import { createAlarms } from '@lazarus/core/time';
import { createManualClock, createRecordingLogger } from '@lazarus/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('set' as const), inMs: fc.integer({ min: -5, max: 50 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('cancel' as const), which: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 40 }) }),
  },
);

describe('alarms', () => {
  it('ring at their instant and never when they were called off, in 300 random histories of 80 steps', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const clock = createManualClock();
        const alarms = createAlarms(clock);
        const set: { atMs: number; rangAtMs?: number; isCancelled: boolean; cancel(): void }[] = [];
        for (const each of steps) {
          if (each.kind === 'wait') await clock.advance(each.ms);
          else if (each.kind === 'cancel') {
            const one = set.length === 0 ? undefined : set[each.which % set.length];
            if (one === undefined || one.rangAtMs !== undefined) continue;
            one.isCancelled = true;
            one.cancel();
          } else {
            const atMs = clock.monotonic() + each.inMs;
            const one: (typeof set)[number] = { atMs, isCancelled: false, cancel: () => undefined };
            const alarm = alarms.set(atMs, () => (one.rangAtMs = clock.monotonic()));
            one.cancel = () => alarm.cancel();
            set.push(one);
          }
        }
        await clock.advance(100);
        for (const one of set) {
          expect(one.rangAtMs === undefined).toBe(one.isCancelled);
          if (one.rangAtMs !== undefined) expect(one.rangAtMs).toBeGreaterThanOrEqual(one.atMs);
        }
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('share one timer, which ends with the last of them', async () => {
    const clock = createManualClock();
    const alarms = createAlarms(clock);
    const all = Array.from({ length: 500 }, (_, at) => alarms.set(1_000 + at, () => undefined));
    expect(clock.pending).toBe(1);
    for (const alarm of all) alarm.cancel();
    await clock.settle();
    expect(clock.pending).toBe(0);
  });

  it('that are set while one rings ring in their turn', async () => {
    const clock = createManualClock();
    const alarms = createAlarms(clock);
    const rang: number[] = [];
    const startMs = clock.monotonic();
    alarms.set(startMs + 10, () => {
      rang.push(clock.monotonic() - startMs);
      alarms.set(startMs + 30, () => rang.push(clock.monotonic() - startMs));
    });
    await clock.advance(10);
    await clock.advance(20);
    expect(rang).toEqual([10, 30]);
    alarms.close();
  });

  it('ring although one before them threw, and tell of it', async () => {
    const clock = createManualClock();
    const log = createRecordingLogger();
    const alarms = createAlarms(clock, { log });
    const rang: number[] = [];
    alarms.set(clock.monotonic() + 10, () => {
      throw new Error('a listener failed');
    });
    for (const inMs of [10, 20]) alarms.set(clock.monotonic() + inMs, () => rang.push(inMs));
    await clock.advance(20);
    alarms.set(clock.monotonic() + 10, () => rang.push(30));
    await clock.advance(10);
    expect(rang).toEqual([10, 20, 30]);
    expect(JSON.stringify(log.lines)).toContain('a listener failed');
  });
});
