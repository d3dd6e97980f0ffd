import { createSystemClock } from '@lazarus/core';
import { isTimeout, withTimeout } from '@lazarus/core/time';
import { createManualClock } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';

describe('withTimeout', () => {
  it('returns what the work returns and leaves no sleep behind', async () => {
    const clock = createManualClock();
    expect(await withTimeout(clock, 500, undefined, async () => 7)).toBe(7);
    await clock.settle();
    expect(clock.pending).toBe(0);
  });

  it('ends work that hangs and ignores its signal after exactly 500 ms', async () => {
    const clock = createManualClock();
    let aborted = false;
    const work = withTimeout(clock, 500, undefined, (signal) => {
      signal.addEventListener('abort', () => (aborted = true));
      return new Promise(() => {});
    });
    const outcome = work.catch((error: unknown) => error);
    await clock.advance(499);
    expect(aborted).toBe(false);
    await clock.advance(1);
    expect(aborted).toBe(true);
    expect(isTimeout(await outcome)).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('ends with the reason of the outer signal, and does not start when that is aborted already', async () => {
    const clock = createManualClock();
    const outer = new AbortController();
    const work = withTimeout(clock, 500, outer.signal, () => new Promise(() => {}));
    outer.abort(new Error('ballot over'));
    await expect(work).rejects.toThrow('ballot over');
    let started = false;
    await expect(withTimeout(clock, 500, outer.signal, () => (started = true))).rejects.toThrow(
      'ballot over',
    );
    expect(started).toBe(false);
    expect(clock.pending).toBe(0);
  });

  it('passes on what the work throws, also when it throws at once', async () => {
    const clock = createManualClock();
    await expect(
      withTimeout(clock, 500, undefined, () => {
        throw new Error('broken');
      }),
    ).rejects.toThrow('broken');
    expect(clock.pending).toBe(0);
  });
});

describe('system clock', () => {
  it('moves forward over a sleep, and an aborted sleep ends at once', async () => {
    const clock = createSystemClock();
    const before = clock.monotonic();
    await clock.sleep(5);
    expect(clock.monotonic() - before).toBeGreaterThanOrEqual(4);
    const controller = new AbortController();
    const sleep = clock.sleep(3_000_000_000, { signal: controller.signal });
    controller.abort(new Error('closed'));
    await expect(sleep).rejects.toThrow('closed');
  });
});
