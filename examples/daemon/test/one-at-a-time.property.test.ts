import { createManualClock } from '@lazarus/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { oneAtATime } from '../src/one-at-a-time.ts';

describe('work that is done one at a time', () => {
  it('S15: begins after whoever asked for it, never beside another, and ends with what the last one asked for', async () => {
    const asking = fc.record({ afterMs: fc.integer({ min: 0, max: 30 }), again: fc.boolean() });
    const scenario = fc.record({
      asks: fc.array(asking, { minLength: 1, maxLength: 12 }),
      tookMs: fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 5 }),
      failing: fc.nat({ max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ asks, tookMs, failing }) => {
        const clock = createManualClock();
        let onDisk = 0;
        let inForce = 0;
        let begun = 0;
        let busy = 0;
        let atOnce = 0;
        let stalest = 0;
        const reload = oneAtATime(async () => {
          begun += 1;
          busy += 1;
          atOnce = Math.max(atOnce, busy);
          const mine = begun;
          const read = onDisk;
          await clock.sleep(tookMs[mine % tookMs.length] ?? 0);
          busy -= 1;
          if (mine === failing) throw new Error('refused');
          inForce = read;
          return read;
        });
        const ask = async (): Promise<void> => {
          onDisk += 1;
          const wanted = onDisk;
          const got = await reload().catch(() => undefined);
          if (got !== undefined) stalest = Math.max(stalest, wanted - got);
        };
        const asked: Promise<void>[] = [];
        for (const { afterMs, again } of asks) {
          asked.push(again ? ask().then(ask) : ask());
          await clock.advance(afterMs);
        }
        await clock.advance(5_000);
        await Promise.all(asked);
        expect(atOnce).toBe(1);
        expect(stalest).toBe(0);
        if (begun !== failing) expect(inForce).toBe(onDisk);
      }),
      { numRuns: 300 },
    );
  });

  it('runs twice for 10 that are asked for at once', async () => {
    const clock = createManualClock();
    let begun = 0;
    const work = oneAtATime(async () => {
      begun += 1;
      await clock.sleep(10);
    });
    const all = Promise.all(Array.from({ length: 10 }, () => work()));
    await clock.advance(20);
    await all;
    expect(begun).toBe(2);
  });

  it('is asked for as one ends and another waits, and does not begin beside it', async () => {
    const clock = createManualClock();
    let busy = 0;
    let atOnce = 0;
    const work = oneAtATime(async () => {
      busy += 1;
      atOnce = Math.max(atOnce, busy);
      await clock.sleep(10);
      busy -= 1;
    });
    const first = work();
    const asEnds = first.then(() => work());
    const waits = work();
    await clock.advance(100);
    await Promise.all([first, asEnds, waits]);
    expect(atOnce).toBe(1);
  });
});
