import { setImmediate } from 'node:timers/promises';
import { CANCEL_SIGNAL } from '@lazarus/dag';
import { createManualClock } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import type { DurableContext, First } from '../src/durable/durable-context.ts';
import { BodiesInFlight } from '../src/run/bodies-in-flight.ts';
import { nextTurn } from '../src/run/next-turn.ts';
import type { PinnedRun } from '../src/run/pinned-run.ts';
import { RestateRun } from '../src/run/restate-run.ts';

/** More answers than a loop that lets nobody else run may take; then the context stays silent, so that the test ends. */
const ENOUGH = 10_000;

/** A context that says for ever that the run was canceled. */
function createRun() {
  const waits = { count: 0 };
  const named = (name: string) => ({ name });
  const context: DurableContext = {
    ended: new AbortController().signal,
    run: named,
    sleep: named,
    promise: named,
    peek: named,
    first: async (): Promise<First> => {
      waits.count += 1;
      return waits.count > ENOUGH ? new Promise(() => undefined) : 'canceled';
    },
  };
  const record = { request: {}, startedAtMs: 0, begins: true } as unknown as PinnedRun;
  const run = new RestateRun(record, context, {
    clock: createManualClock(),
    random: () => 0,
    by: 'test',
    bodies: new BodiesInFlight(),
    turn: nextTurn,
    isAwake: () => true,
    fence: () => undefined,
  });
  return { run, waits };
}

describe('a run that is told again and again that it was canceled', () => {
  for (const [what, wait] of [
    ['a step and a timer', (run: RestateRun) => run.select([run.timer('t', 1_000), run.signal('approve')])],
    ['the reason', (run: RestateRun) => run.select([run.timer('t', 1_000), run.signal(CANCEL_SIGNAL)])],
    ['the time', (run: RestateRun) => run.now()],
  ] as const)
    it(`lets everything else in the process go on while it waits for ${what}`, async () => {
      const { run, waits } = createRun();
      void wait(run);
      for (let turns = 0; turns < 10; turns += 1) await setImmediate();
      expect(waits.count).toBeGreaterThan(1);
      expect(waits.count).toBeLessThan(20);
    });
});
