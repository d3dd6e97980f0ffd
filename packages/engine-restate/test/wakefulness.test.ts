import type { Clock } from '@lazarus/core/ports';
import { createManualClock } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { Wakefulness } from '../src/run/wakefulness.ts';

function createWakefulness() {
  const clock = createManualClock();
  const closing = new AbortController();
  let isStopped = false;
  const woken = { times: 0 };
  const itsClock: Clock = {
    now: clock.now,
    monotonic: clock.monotonic,
    // Of a process that is stopped, no timer fires.
    sleep: async (ms, options) => {
      await clock.sleep(ms, options);
      while (isStopped) await clock.sleep(1);
    },
  };
  const wakefulness = new Wakefulness(itsClock, () => (woken.times += 1));
  void wakefulness.keep(closing.signal);
  const stop = async (ms: number): Promise<void> => {
    isStopped = true;
    await clock.advance(ms);
    isStopped = false;
  };
  return { wakefulness, clock, stop, woken };
}

describe('a process', () => {
  it('is awake as long as its timers fire', async () => {
    const { wakefulness, clock } = createWakefulness();
    for (let times = 0; times < 20; times += 1) {
      await clock.advance(1_000);
      expect(wakefulness.isAwake).toBe(true);
    }
  });

  it('is not awake for 2 s after it was stopped for 4 s, which nothing but the gap tells', async () => {
    const { wakefulness, clock, stop, woken } = createWakefulness();
    await stop(2_500);
    expect(wakefulness.isAwake).toBe(true);
    await stop(4_000);
    expect(wakefulness.isAwake).toBe(false);
    expect(woken.times).toBe(1);
    await clock.advance(1_900);
    expect(wakefulness.isAwake).toBe(false);
    await clock.advance(200);
    expect(wakefulness.isAwake).toBe(true);
  });

  it('knows of a sleep in which the monotonic clock stood still', async () => {
    const { wakefulness, clock } = createWakefulness();
    clock.jumpWall(3_600_000);
    expect(wakefulness.isAwake).toBe(false);
  });

  it('takes a wall clock that is set back for no sleep', async () => {
    const { wakefulness, clock } = createWakefulness();
    clock.jumpWall(-3_600_000);
    expect(wakefulness.isAwake).toBe(true);
  });
});
