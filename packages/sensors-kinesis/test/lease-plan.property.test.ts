import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type LeaseSightings, planTakes, sightLeases } from '../src/leases/lease-plan.ts';
import type { ShardLease } from '../src/leases/lease.ts';

const free = (n: number): ShardLease => ({
  shardId: `s${n}`,
  counter: 0,
  checkpoint: { at: 'TRIM_HORIZON' },
});
const FAILOVER_MS = 10_000;

function plan(
  leases: readonly ShardLease[],
  worker: string,
  chance = 0,
  sightings?: LeaseSightings,
  nowMs = 0,
  expectedWorkers = 1,
) {
  const seen = sightings ?? sightLeases(new Map(), leases, nowMs);
  return planTakes({
    leases,
    worker,
    sightings: seen,
    nowMs,
    failoverMs: FAILOVER_MS,
    expectedWorkers,
    chance,
  });
}

describe('shares of the workers', () => {
  it('every order of turns comes to rest with shares that differ by at most 1', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.tuple(fc.nat(4), fc.double({ min: 0, max: 0.999, noNaN: true })), {
          minLength: 60,
          maxLength: 90,
        }),
        (shards, workers, turns) => {
          let leases = Array.from({ length: shards }, (_, n) => free(n));
          const act = (worker: string, chance: number): number => {
            const taken = plan(leases, worker, chance);
            leases = leases.map((lease) =>
              taken.includes(lease) ? { ...lease, owner: worker, counter: lease.counter + 1 } : lease,
            );
            return taken.length;
          };
          for (const [turn, chance] of turns) act(`w${turn % workers}`, chance);
          for (let round = 0; round < shards; round += 1) {
            for (let worker = 0; worker < workers; worker += 1) act(`w${worker}`, 0.5);
          }
          const counts = Array.from(
            { length: workers },
            (_, n) => leases.filter(({ owner }) => owner === `w${n}`).length,
          );
          expect(counts.reduce((sum, count) => sum + count)).toBe(shards);
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
          for (let worker = 0; worker < workers; worker += 1) expect(act(`w${worker}`, 0.5)).toBe(0);
        },
      ),
    );
  });

  it('a lease at the end of its shard is nobody’s work', () => {
    expect(plan([{ ...free(1), checkpoint: { at: 'SHARD_END' } }], 'a')).toEqual([]);
  });
});

describe('workers that are expected', () => {
  it('find their share of 4 free leases untouched, until those were free for 10 000 ms', () => {
    const leases = [free(0), free(1), free(2), free(3)];
    const seen = sightLeases(new Map(), leases, 0);
    expect(plan(leases, 'a', 0, seen, 9_999, 3)).toHaveLength(1);
    expect(plan(leases, 'a', 0, seen, 10_000, 3)).toHaveLength(4);
  });

  it('come to even shares when they take their turns twice, without taking from each other', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 5 }), (shards, workers) => {
        let leases = Array.from({ length: shards }, (_, n) => free(n));
        let writes = 0;
        for (let turn = 0; turn < 2 * workers; turn += 1) {
          const owner = `w${turn % workers}`;
          const taken = plan(leases, owner, 0.5, undefined, 0, workers);
          writes += taken.length;
          leases = leases.map((lease) => (taken.includes(lease) ? { ...lease, owner, counter: 1 } : lease));
        }
        expect(writes).toBe(shards);
        expect(leases.every(({ owner }) => owner !== undefined)).toBe(true);
      }),
    );
  });
});

describe('a worker that stopped renewing', () => {
  const held: ShardLease = { ...free(1), owner: 'dead', counter: 7 };

  it('keeps its lease for 9 999 ms of an unchanged counter and loses it at 10 000 ms', () => {
    const seen = sightLeases(new Map(), [held], 50);
    expect(plan([held], 'a', 0, sightLeases(seen, [held], 10_049), 10_049)).toEqual([]);
    expect(plan([held], 'a', 0, sightLeases(seen, [held], 10_050), 10_050)).toEqual([held]);
  });

  it('keeps its lease as long as the counter moves', () => {
    const seen = sightLeases(new Map(), [held], 0);
    const renewed = { ...held, counter: 8 };
    expect(plan([renewed], 'a', 0, sightLeases(seen, [renewed], 10_000), 10_000)).toEqual([]);
  });
});
