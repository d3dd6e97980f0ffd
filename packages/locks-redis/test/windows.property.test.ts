import { createSystemClock } from '@lazarus/core';
import { createMemoryWindows } from '@lazarus/core/memory';
import type { Observation } from '@lazarus/core/ports';
import { createManualClock } from '@lazarus/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRedis, createRedisWindows } from '../src/index.ts';
import type { RedisServer } from '../../../tools/redis-server.ts';
import { startRedis, whyNoRedis, withRedis } from '../../../tools/redis-server.ts';

let server: RedisServer;
let runs = 0;

const WINDOW_MS = 10_000;

const bounds = fc.record({
  maxServices: fc.integer({ min: 0, max: 4 }),
  minOpenMs: fc.constantFrom(0, 3_000, 15_000),
  closeBelow: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
  maxServicesFraction: fc.option(fc.constantFrom(0.2, 0.5), { nil: undefined }),
});

const caps = fc.record({
  maxStoredServices: fc.integer({ min: 1, max: 6 }),
  maxStoredEntities: fc.integer({ min: 1, max: 12 }),
  maxStoredEntitiesPerService: fc.integer({ min: 1, max: 4 }),
  maxStoredEventIds: fc.integer({ min: 1, max: 8 }),
});
/** Room for more entities than the record of a service holds. */
const wideCaps = fc.record({
  maxStoredServices: fc.integer({ min: 2, max: 9 }),
  maxStoredEntities: fc.integer({ min: 30, max: 120 }),
  maxStoredEntitiesPerService: fc.integer({ min: 30, max: 50 }),
  maxStoredEventIds: fc.integer({ min: 20, max: 400 }),
});

const service = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g');
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('observe' as const),
      id: fc.integer({ min: 0, max: 25 }),
      service,
      entity: fc.constantFrom('1', '2', '3', '4', '5', '6'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('view' as const), service }) },
  {
    // Asked for within one turn, so that one command carries all of them.
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('together' as const),
      events: fc.array(
        fc.record({
          id: fc.integer({ min: 0, max: 25 }),
          service,
          entity: fc.constantFrom('1', '2', '\t3%\n', '4'),
        }),
        { maxLength: 9 },
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('flood' as const),
      service,
      from: fc.integer({ min: 0, max: 30 }),
      count: fc.integer({ min: 1, max: 45 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 500, 2_500, 5_000, 9_999, 10_000, 21_000),
    }),
  },
);

describe.skipIf(whyNoRedis() !== undefined)(withRedis('windows in Redis'), () => {
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  it('give the same answers as the machines of core on 300 random histories of 60 steps (S7)', async () => {
    const system = createSystemClock();
    await fc.assert(
      fc.asyncProperty(
        bounds,
        fc.oneof(caps, wideCaps),
        fc.boolean(),
        fc.array(step, { minLength: 1, maxLength: 60 }),
        async (breakerInput, stored, isHistoryKnown, steps) => {
          const { maxServicesFraction, closeBelow, ...rest } = breakerInput;
          const breaker = {
            ...rest,
            windowMs: WINDOW_MS,
            ...(maxServicesFraction === undefined ? {} : { maxServicesFraction }),
            ...(closeBelow === undefined
              ? {}
              : { closeBelow: Math.min(closeBelow, breakerInput.maxServices + 1) }),
          };
          const clock = createManualClock({ wallMs: Date.now() + 60_000 });
          runs += 1;
          const redis = await connectRedis({
            url: server.url,
            prefix: `p${runs}`,
            graceMs: 0,
            deadlineMs: 5_000,
            clock: system,
            serverNow: () => clock.now(),
          });
          const options = { ...stored, breaker, knownServices: () => 8 };
          const model = createMemoryWindows({ ...options, clock });
          // Only its count of whole windows watched uses this clock: the connection has the real one.
          const tested = createRedisWindows({ ...options, redis, clock });
          await redis.health();
          try {
            if (isHistoryKnown) {
              model.hydrate([]);
              await tested.hydrate([]);
            }
            let floods = 0;
            const observeAll = async (all: readonly Observation[]): Promise<void> => {
              const answers = await Promise.all(all.map(async (each) => tested.observe(each)));
              for (const [at, each] of all.entries()) expect(answers[at]).toEqual(await model.observe(each));
            };
            for (const each of steps) {
              if (each.kind === 'together') {
                await observeAll(
                  each.events.map(({ id, ...rest }) => ({ eventId: `e/${id}`, region: 'r', ...rest })),
                );
              } else if (each.kind === 'flood') {
                floods += 1;
                await observeAll(
                  Array.from({ length: each.count }, (_, at) => ({
                    eventId: `f/${floods}/${at}`,
                    region: 'r',
                    service: each.service,
                    entity: `many-${each.from + at}`,
                  })),
                );
              } else if (each.kind === 'wait') {
                await clock.advance(each.ms);
              } else if (each.kind === 'view') {
                const scope = { region: 'r', service: each.service };
                expect(await tested.view(scope)).toEqual(await model.view(scope));
                for (const max of [-1, 0, 1, 2, 34])
                  expect(await tested.clearsInMs?.(scope, max)).toBe(await model.clearsInMs?.(scope, max));
              } else {
                const { id, entity } = each;
                const seen = { eventId: `e/${id}`, region: 'r', service: each.service, entity };
                expect(await tested.observe(seen)).toEqual(await model.observe(seen));
              }
            }
          } finally {
            await tested.close();
            await redis.close();
          }
        },
      ),
      { numRuns: 300 },
    );
  }, 120_000);
});
