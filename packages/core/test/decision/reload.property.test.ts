import type { DecisionRecord } from '@lazarus/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aRule, aSnapshot, anEvent, createWorld } from './world.ts';

const MINUTE_MS = 60_000;
const HOSTS = ['web1', 'web2', 'web3'];

/** Configuration number `version`: its rule, its workflow and how old an event may be are its own. */
function version(number: number) {
  const rule = aRule({
    digest: `rule-${number}`,
    mode: number === 3 ? 'notify' : 'act',
    holdDownMs: 10_000,
    staleAfterMs: (number + 1) * MINUTE_MS,
    workflow: {
      name: 'default.replace_host',
      digest: `workflow-${number}`,
      timeoutMs: 1_800_000,
      inputs: {},
    },
  });
  return { ...aSnapshot(rule), digest: `config-${number}` };
}

interface Delivery {
  readonly eventId: string;
  readonly ageMs: number;
  readonly number: number;
  readonly record: DecisionRecord;
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ deliver: fc.integer({ min: 0, max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ use: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ waitMs: fc.integer({ min: 0, max: 30_000 }) }) },
  { weight: 1, arbitrary: fc.record({ waitMs: fc.integer({ min: 0, max: 3 * MINUTE_MS }) }) },
  { weight: 1, arbitrary: fc.record({ finish: fc.constantFrom('succeeded' as const, 'failed' as const) }) },
);

describe('events that come twice, late and in any order while configurations are loaded', () => {
  it('S1, S9, S11, S15: each has one record, by the configuration it came in under, and one host has one run', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const world = createWorld();
        let number = 0;
        world.controller.use(version(number));
        const startMs = world.clock.now();
        // Six events about three hosts; each happened before or after the others, whenever it is delivered.
        const events = Array.from({ length: 6 }, (_, at) =>
          anEvent({
            id: `e${at}`,
            host: HOSTS[at % 3],
            incident_key: `web/${HOSTS[at % 3]}/${at}`,
            time: new Date(startMs + (at - 3) * 20_000).toISOString(),
          }),
        );
        for (const { incident_key: key } of events) world.pager.open(key ?? '');
        const running: Promise<Delivery>[] = [];
        for (const each of steps) {
          if ('use' in each) world.controller.use(version((number = each.use)));
          if ('waitMs' in each) await world.clock.advance(each.waitMs);
          if ('finish' in each)
            for (const { runId, hostId } of world.engine.submitted) {
              world.engine.finish(runId, each.finish);
              // A run that succeeds leaves the host it replaced for examination.
              const replaced = hostId === undefined ? undefined : world.fleet.get(hostId);
              if (each.finish === 'succeeded' && replaced !== undefined)
                world.fleet.put({ ...replaced, lifecycle: 'forensics' });
            }
          const event = 'deliver' in each ? events[each.deliver] : undefined;
          if (event === undefined) continue;
          const context = {
            eventId: `nagios/${event.id}`,
            ageMs: world.clock.now() - Date.parse(event.time),
            number,
          };
          running.push(world.controller.decide(event).then((record) => ({ ...context, record })));
        }
        await world.clock.advance(10 * MINUTE_MS);
        const deliveries = await Promise.all(running);

        for (const { eventId, ageMs, number: under, record } of deliveries) {
          expect(record.event_id).toBe(eventId);
          expect(record.config_digest).toBe(`config-${under}`);
          if (record.rule !== undefined) expect(record.rule_digest).toBe(`rule-${under}`);
          if (record.decision.kind === 'remediate') {
            expect(ageMs, 'S9: acted on a stale event').toBeLessThanOrEqual((under + 1) * MINUTE_MS);
            expect(under, 'S13: acted in mode notify').not.toBe(3);
          }
        }
        // S11: exactly one terminal record for each event that came, and none for others.
        const terminal = world.audit.entries.flatMap((entry) =>
          entry.kind === 'terminal' ? [entry.record.event_id] : [],
        );
        expect(terminal.toSorted()).toEqual([...new Set(deliveries.map(({ eventId }) => eventId))].sort());
        // S15: a run asks for the workflow of the very configuration that it was decided with.
        for (const { configDigest, workflowDigest } of world.engine.submitted)
          expect(workflowDigest).toBe(configDigest.replace('config', 'workflow'));
        // S1: an incarnation is replaced once, whichever rule, event and configuration asked for it.
        const hosts = world.engine.submitted.map(({ hostId }) => hostId);
        expect(hosts).toEqual([...new Set(hosts)]);
      }),
      { numRuns: 150 },
    );
  });
});
