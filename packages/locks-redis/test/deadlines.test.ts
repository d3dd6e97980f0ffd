import { createManualClock } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { createDeadlines } from '../src/connection/deadlines.ts';

const clock = createManualClock();
const DEADLINE_MS = 50;

function watched() {
  const deadlines = createDeadlines(clock);
  const add = (onMissed: () => void) => {
    const untilMs = clock.monotonic() + DEADLINE_MS;
    const deadline = { untilMs, onMissed, earlier: undefined, later: undefined };
    deadlines.add(deadline);
    return () => deadlines.remove(deadline);
  };
  /** Rejects when its deadline is missed. */
  const call = (): Promise<never> =>
    new Promise<never>((_resolve, reject) => void add(() => reject(new Error('missed'))));
  return { add, call };
}

describe('deadlines', () => {
  it('a retry right after a missed deadline of 50 ms is missed 50 ms later, and so is the next', async () => {
    const { call } = watched();
    const missedAtMs: number[] = [];
    const note = (): void => void missedAtMs.push(clock.monotonic());
    const startMs = clock.monotonic();
    call()
      .catch(() => (note(), call()))
      .catch(() => (note(), call()))
      .catch(note);
    for (let turn = 0; turn < 4; turn += 1) await clock.advance(DEADLINE_MS);
    expect(missedAtMs.map((atMs) => atMs - startMs)).toEqual([50, 100, 150]);
  });

  it('a call that is added in the step in which another is missed has a deadline, too', async () => {
    const { add } = watched();
    let missed = 0;
    add(() => void add(() => (missed += 1)));
    await clock.advance(DEADLINE_MS);
    await clock.advance(DEADLINE_MS);
    expect(missed).toBe(1);
  });

  it('a call that was over before is not missed; the one behind it is', async () => {
    const { add } = watched();
    const missed: string[] = [];
    const over = add(() => void missed.push('first'));
    await clock.advance(10);
    add(() => void missed.push('second'));
    over();
    await clock.advance(DEADLINE_MS);
    expect(missed).toEqual(['second']);
    await clock.settle();
    expect(clock.pending).toBe(0);
  });
});
