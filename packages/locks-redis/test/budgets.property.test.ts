import { createSystemClock } from '@lazarus/core';
import { createMemoryBudgets } from '@lazarus/core/memory';
import type { BudgetCharge } from '@lazarus/core/ports';
import { createManualClock } from '@lazarus/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRedis, createRedisBudgets } from '../src/index.ts';
import type { RedisServer } from '../../../tools/redis-server.ts';
import { startRedis, whyNoRedis, withRedis } from '../../../tools/redis-server.ts';

let server: RedisServer;
let runs = 0;

const HOUR_MS = 10_000;
const bound = fc.integer({ min: 0, max: 4 });
const scopes = fc.record({ service: bound, zone: bound, account: bound, region: bound });
const bounds = fc.record({
  maxInFlight: scopes,
  maxZonesInFlight: fc.integer({ min: 0, max: 2 }),
  maxPerHour: scopes.map((each) => ({ ...each, region: each.region + 2 })),
});

const charge: fc.Arbitrary<BudgetCharge> = fc.record({
  decisionId: fc.constantFrom('d1', 'd2', 'd3', 'd4', 'd5', 'd6', 'd7'),
  service: fc.constantFrom('web', 'api'),
  zone: fc.constantFrom('a', 'b'),
  account: fc.constantFrom('1', '2'),
  region: fc.constantFrom('r', 's'),
});
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('reserve' as const), charge }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('peek' as const), charge }) },
  {
    weight: 3,
    arbitrary: charge.chain(({ decisionId }) =>
      fc.record({
        kind: fc.constant('settle' as const),
        decisionId: fc.constant(decisionId),
        effects: fc.boolean(),
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('also' as const),
      decisionId: fc.constantFrom('d1', 'd2', 'd3', 'd4'),
      zone: fc.constantFrom('a', 'b', 'c'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 4_000, 9_999, 10_000),
    }),
  },
);

describe.skipIf(whyNoRedis() !== undefined)(withRedis('budgets in Redis'), () => {
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  it('give the same answers as the machine of core on 200 random histories of 40 steps (S5, S6)', async () => {
    const system = createSystemClock();
    await fc.assert(
      fc.asyncProperty(bounds, fc.array(step, { minLength: 1, maxLength: 40 }), async (limits, steps) => {
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
        const options = { ...limits, hourMs: HOUR_MS, clock };
        const model = createMemoryBudgets({ ...options, history: [] });
        const tested = createRedisBudgets({ ...options, redis });
        try {
          await tested.hydrate([]);
          for (const each of steps) {
            if (each.kind === 'wait') {
              await clock.advance(each.ms);
            } else if (each.kind === 'also') {
              for (const budgets of [tested, model]) await budgets.alsoIn?.(each.decisionId, each.zone);
            } else if (each.kind === 'settle') {
              const { decisionId, effects } = each;
              await Promise.all([tested, model].map((budgets) => budgets.settle(decisionId, { effects })));
              expect(await tested.holds(decisionId)).toBe(await model.holds(decisionId));
            } else {
              expect(await tested[each.kind](each.charge)).toEqual(await model[each.kind](each.charge));
            }
          }
          const byId = (list: readonly BudgetCharge[]): readonly BudgetCharge[] =>
            [...list].sort((left, right) => (left.decisionId < right.decisionId ? -1 : 1));
          expect(byId(await tested.inFlight())).toEqual(byId(model.inFlight()));
        } finally {
          await tested.close();
          await redis.close();
        }
      }),
      { numRuns: 200 },
    );
  }, 120_000);
});
