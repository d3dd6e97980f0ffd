import { createManualClock } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';

describe('manual clock', () => {
  it('ends sleeps in the order in which they become due, each at its own time', async () => {
    const clock = createManualClock({ monotonicMs: 0 });
    const ended: string[] = [];
    for (const ms of [300, 100, 200])
      void clock.sleep(ms).then(() => ended.push(`${ms} at ${clock.monotonic()}`));
    await clock.advance(250);
    expect(ended).toEqual(['100 at 100', '200 at 200']);
    expect(clock.monotonic()).toBe(250);
    expect(clock.pending).toBe(1);
  });

  it('runs a chain of sleeps that begin while it advances', async () => {
    const clock = createManualClock({ monotonicMs: 0 });
    let rounds = 0;
    const chain = async (): Promise<void> => {
      while (rounds < 5) {
        await clock.sleep(10);
        await Promise.resolve();
        rounds += 1;
      }
    };
    const done = chain();
    await clock.advance(50);
    await done;
    expect(rounds).toBe(5);
    expect(clock.monotonic()).toBe(50);
  });

  it('forgets a sleep whose signal aborts', async () => {
    const clock = createManualClock();
    const controller = new AbortController();
    const sleep = clock.sleep(1_000, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(sleep).rejects.toThrow('enough');
    await expect(clock.sleep(1, { signal: controller.signal })).rejects.toThrow('enough');
    expect(clock.pending).toBe(0);
  });

  it('jumps the wall clock without touching the monotonic one', async () => {
    const clock = createManualClock({ wallMs: 5_000_000, monotonicMs: 7 });
    clock.jumpWall(-3_600_000);
    expect(clock.now()).toBe(1_400_000);
    expect(clock.monotonic()).toBe(7);
    await clock.advance(20);
    expect(clock.now()).toBe(1_400_020);
  });
});
