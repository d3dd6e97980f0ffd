import { createSystemClock } from '@lazarus/core';
import { createMemoryLocks } from '@lazarus/core/memory';
import type { Clock, Lease, LockGrant, LockTarget } from '@lazarus/core/ports';
import { createManualClock } from '@lazarus/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRedis, createRedisLocks } from '../src/index.ts';
import type { RedisServer } from '../../../tools/redis-server.ts';
import { startRedis, whyNoRedis, withRedis } from '../../../tools/redis-server.ts';

let server: RedisServer;
let runs = 0;

/** Each holder has its own, so that one batch asks for several. */
const TTL_MS: Readonly<Record<string, number>> = { d1: 10_000, d2: 25_000, d3: 3_600_000 };

const holder = fc.constantFrom('d1', 'd2', 'd3');
const target: fc.Arbitrary<LockTarget> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('host' as const),
      service: fc.constantFrom('a', 'b'),
      host: fc.constantFrom('1', '2', '3'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('service' as const), service: fc.constantFrom('a', 'b') }),
  },
);
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('acquire' as const),
      target,
      holder,
    }),
  },
  {
    // Asked for within one turn, so that one command carries all of them.
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('together' as const),
      asked: fc.array(fc.record({ target, holder }), { maxLength: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('inspect' as const), target }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('break' as const), target }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 4_000, 9_999, 10_000, 25_000),
    }),
  },
);

const ttlOf = (of: string): number => TTL_MS[of] ?? 0;

/** What both stores must agree on; with several locks in the way, which one is named is free. */
function outcomeOf(grant: LockGrant): unknown {
  return grant.granted ? { granted: true, remainingMs: grant.lease.remainingMs() } : { granted: false };
}

/** Numbers may be skipped; a later grant has a higher one, and the same grant keeps its own. */
function expectOrdered(pairs: readonly (readonly [Lease, Lease])[]): void {
  const [tested, model] = [0, 1].map((which) => pairs.map((pair) => pair[which as 0 | 1].token.counter));
  for (const [left, counter] of tested!.entries())
    for (const [right, other] of tested!.entries())
      expect(Math.sign(counter - other)).toBe(Math.sign(model![left]! - model![right]!));
}

describe.skipIf(whyNoRedis() !== undefined)(withRedis('locks in Redis'), () => {
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  it('grant, refuse and free as the lock table of core on 200 random histories of 60 steps (S4, L3)', async () => {
    const system = createSystemClock();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async (steps) => {
        const manual = createManualClock({ wallMs: Date.now() + 60_000 });
        // Nothing is renewed, so that leases expire.
        const clock: Clock = { ...manual, sleep: () => new Promise(() => undefined) };
        runs += 1;
        const redis = await connectRedis({
          url: server.url,
          prefix: `p${runs}`,
          graceMs: 0,
          deadlineMs: 5_000,
          clock: system,
          serverNow: () => manual.now(),
        });
        const model = createMemoryLocks({ clock, epoch: 1 });
        const tested = createRedisLocks({ redis, clock });
        const leases: (readonly [Lease, Lease])[] = [];
        try {
          for (const each of steps) {
            if (each.kind === 'wait') {
              await manual.advance(each.ms);
            } else if (each.kind === 'together') {
              const requests = each.asked.map((one) => ({ ...one, ttlMs: ttlOf(one.holder) }));
              const answers = await Promise.all(requests.map((one) => tested.acquire(one)));
              for (const [at, one] of requests.entries()) {
                const [actual, wanted] = [answers[at]!, await model.acquire(one)];
                expect(outcomeOf(actual)).toEqual(outcomeOf(wanted));
                if (actual.granted && wanted.granted) leases.push([actual.lease, wanted.lease]);
              }
            } else if (each.kind === 'release') {
              const pair = leases.length === 0 ? undefined : leases[each.which % leases.length];
              await Promise.all(pair?.map((lease) => lease.release()) ?? []);
            } else if (each.kind === 'break') {
              expect(await tested.breakLock(each.target)).toBe(await breakLive(model, each.target));
            } else if (each.kind === 'inspect') {
              const [actual, wanted] = [await tested.inspect(each.target), await model.inspect(each.target)];
              expect(actual === undefined).toBe(wanted === undefined);
              if (each.target.kind === 'host') expect(actual?.heldBy).toBe(wanted?.heldBy);
            } else {
              const request = { target: each.target, holder: each.holder, ttlMs: ttlOf(each.holder) };
              const [actual, wanted] = [await tested.acquire(request), await model.acquire(request)];
              expect(outcomeOf(actual)).toEqual(outcomeOf(wanted));
              if (actual.granted && wanted.granted) leases.push([actual.lease, wanted.lease]);
            }
            const heldMs = Math.max(0, ...leases.map(([lease]) => lease.remainingMs()));
            const keptUntilMs = Number(await server.admin.hget(`{${redis.prefix}}:locks`, '#'));
            // Otherwise all locks go with their hash, and somebody else is granted what is still held.
            if (heldMs > 0) expect(keptUntilMs).toBeGreaterThanOrEqual(manual.now() + heldMs);
          }
          expectOrdered(leases);
        } finally {
          await Promise.all([tested.close(), model.close()]);
          await redis.close();
        }
      }),
      { numRuns: 200 },
    );
  }, 120_000);
});

/** An expired lock is nobody's: breaking it breaks nothing, whether or not the table has noticed. */
async function breakLive(model: ReturnType<typeof createMemoryLocks>, target: LockTarget): Promise<boolean> {
  const held = await model.inspect(target);
  const broken = await model.breakLock(target);
  return broken && held !== undefined && JSON.stringify(held.by) === JSON.stringify(target);
}
