import { createSystemClock } from '@lazarus/core';
import { expect, describe, it, onTestFinished } from 'vitest';
import { startRestate, whyNoRestate, withRestate } from '../../../tools/restate-server.ts';
import { drain, Load, violations } from './support/storm-load.ts';
import { Storm } from './support/storm.ts';
import type { StormLine } from './support/storm.ts';

const clock = createSystemClock();
const LIMIT_MS = 120_000;
/** Silence after which the server gives a process up. */
const SILENCE_MS = 1_500;

/** Runs and steps whose bodies a process has begun without an effect so far. */
function inFlight(lines: readonly StormLine[], generation: number): readonly string[] {
  const own = lines.filter((line) => line.generation === generation);
  const of = (kind: StormLine['kind']): Set<string> =>
    new Set(own.flatMap((line) => (line.kind === kind ? [`${line.run}/${line.step}`] : [])));
  const done = of('effect');
  return [...of('body')].filter((each) => !done.has(each));
}

/** Stops a process at a moment when it waits in one body, before its effect: not in the middle of beginning one. */
async function freezeWithin(storm: Storm, generation: number): Promise<readonly string[]> {
  for (;;) {
    storm.freeze(generation);
    const bodies = inFlight(storm.ledger(), generation);
    if (bodies.length === 1 && !/[bc]$/.test(bodies[0] ?? '')) return bodies;
    storm.thaw(generation);
    await clock.sleep(5);
  }
}

describe.skipIf(whyNoRestate() !== undefined)(
  withRestate('a process that is stopped and wakes up (S4)'),
  () => {
    it(
      'has lost its runs to another one, has no effect of theirs a second time, and drives runs again',
      async () => {
        const server = await startRestate({ silenceMs: SILENCE_MS });
        onTestFinished(() => server.stop());
        const storm = await Storm.open([server]);
        onTestFinished(() => storm.end());
        const load = new Load(storm);
        await storm.start(0);
        await load.refill(1);
        const bodies = await freezeWithin(storm, 1);
        // Restate calls the process that sleeps for these, and so for the first one, again and again.
        await load.refill(6);
        await clock.sleep(2 * SILENCE_MS);
        await storm.start(0);
        await drain(load, storm, 60_000);
        expect([...load.open]).toEqual([]);
        const before = storm.ledger();
        const repeated = before.filter(
          ({ kind, generation, run, step }) =>
            kind === 'effect' && generation === 2 && bodies.includes(`${run}/${step}`),
        );
        expect(repeated.map(({ run, step }) => `${run}/${step}`).sort()).toEqual([...bodies].sort());
        storm.thaw(1);
        await clock.sleep(2 * SILENCE_MS);
        expect(storm.ledger().slice(before.length)).toEqual([]);
        await load.refill(6);
        await drain(load, storm, 60_000);
        expect(await violations(load, storm)).toEqual([]);
        const later = storm.ledger().slice(before.length);
        expect([...new Set(later.map(({ generation }) => generation))].sort()).toEqual([1, 2]);
      },
      LIMIT_MS,
    );
  },
);
