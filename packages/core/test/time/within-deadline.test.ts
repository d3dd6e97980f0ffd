import { isTimeout } from '@lazarus/core/time';
import { createManualClock } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { withinDeadline } from '../../src/time/within-deadline.ts';

describe('withinDeadline', () => {
  it('starts no timer for what answers at once', async () => {
    const clock = createManualClock();
    let sleeps = 0;
    const counting = { ...clock, sleep: (ms: number) => ((sleeps += 1), clock.sleep(ms)) };
    expect(await withinDeadline(counting, 500, undefined, async () => 7)).toBe(7);
    expect(await withinDeadline(counting, 500, undefined, () => 8)).toBe(8);
    await expect(
      withinDeadline(counting, 500, undefined, () => Promise.reject(new Error('no'))),
    ).rejects.toThrow('no');
    expect(sleeps).toBe(0);
  });

  it('waits for nothing when the answer is there without a promise', () => {
    expect(withinDeadline(createManualClock(), 500, undefined, () => 8)).toBe(8);
  });

  it('ends work that hangs after exactly 500 ms, and aborts the signal that it took', async () => {
    const clock = createManualClock();
    let aborted = false;
    const work = withinDeadline(clock, 500, undefined, ({ signal }) => {
      signal.addEventListener('abort', () => (aborted = true));
      return new Promise(() => {});
    });
    const outcome = Promise.resolve(work).catch((error: unknown) => error);
    await clock.advance(499);
    expect(aborted).toBe(false);
    await clock.advance(1);
    expect(isTimeout(await outcome)).toBe(true);
    expect(aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('ends with the reason of the outer signal, and does not start when that is aborted already', async () => {
    const clock = createManualClock();
    const outer = new AbortController();
    const work = withinDeadline(clock, 500, outer.signal, () => new Promise(() => {}));
    outer.abort(new Error('ballot over'));
    await expect(work).rejects.toThrow('ballot over');
    let started = false;
    await expect(withinDeadline(clock, 500, outer.signal, () => (started = true))).rejects.toThrow(
      'ballot over',
    );
    expect(started).toBe(false);
  });
});
