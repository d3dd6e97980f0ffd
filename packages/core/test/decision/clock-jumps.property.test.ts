import type { DecisionRecord } from '@lazarus/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aRule, anEvent, createWorld } from './world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** What happens, and by how much the wall clock jumps right after it. */
interface Step {
  readonly waitMs: number;
  /** A host that fails, of one of three services; every event is about a host of its own. */
  readonly service: 'web' | 'api' | 'db' | undefined;
  readonly jumpMs: number;
}

const step = fc.record<Step>({
  waitMs: fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 11 * MINUTE_MS })),
  service: fc.option(fc.constantFrom('web' as const, 'api' as const, 'db' as const), { nil: undefined }),
  jumpMs: fc.oneof(fc.constant(0), fc.integer({ min: -6 * HOUR_MS, max: 6 * HOUR_MS })),
});

/** What a decision comes to, without what is a reading of the wall clock. */
const essence = ({ decision, gates }: DecisionRecord) => ({
  kind: decision.kind,
  reason: 'reason' in decision ? decision.reason : undefined,
  gates: gates.map(({ gate, verdict, duration_ms, evidence }) => ({ gate, verdict, duration_ms, evidence })),
});

async function walkThrough(steps: readonly Step[], jumps: boolean) {
  const world = createWorld({ rule: aRule({ holdDownMs: 10_000, limits: { maxEntities: 2 } }) });
  const deciding: Promise<{ record: DecisionRecord; endedAtMs: number }>[] = [];
  for (const [at, { waitMs, service, jumpMs }] of steps.entries()) {
    await world.clock.advance(waitMs);
    if (service !== undefined) {
      const host = service === 'web' ? `web${(at % 4) + 1}` : undefined;
      const time = new Date(world.clock.now()).toISOString();
      const event = anEvent({ id: `e${at}`, service, host, incident_key: `page/${at}`, time });
      world.pager.open(`page/${at}`);
      deciding.push(
        world.controller.decide(event).then((record) => ({ record, endedAtMs: world.clock.monotonic() })),
      );
      await world.clock.settle();
    }
    if (jumps) world.clock.jumpWall(jumpMs);
  }
  await world.clock.advance(HOUR_MS);
  return {
    decided: await Promise.all(deciding),
    submitted: world.engine.submitted.map(({ hostId }) => hostId),
  };
}

describe('a wall clock that jumps back and forth by hours', () => {
  it('S7, S9, L1: changes no hold-down, no count, no deadline and no decision about an event that was fresh as it came', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const steady = await walkThrough(steps, false);
        const jumping = await walkThrough(steps, true);
        expect(jumping.submitted).toEqual(steady.submitted);
        for (const [at, { record, endedAtMs }] of jumping.decided.entries()) {
          const twin = steady.decided[at];
          expect(essence(record)).toEqual(twin === undefined ? undefined : essence(twin.record));
          expect(endedAtMs).toBe(twin?.endedAtMs);
          // The instants of one record are in order all the same: they are counted on from when the event came.
          const instants = [record.received_at, ...record.gates.map((gate) => gate.at)];
          expect(instants).toEqual(instants.toSorted());
        }
      }),
      { numRuns: 100 },
    );
  });
});
