import { definePrecondition } from '@lazarus/core';
import type { BallotResult } from '@lazarus/core/ports';
import type { Coordinator } from '@lazarus/quorum';
import { createCoordinator, createVoter } from '@lazarus/quorum';
import {
  anEvent,
  createFakeFleet,
  createFakeHealthProbe,
  createManualClock,
  silentLogger,
} from '@lazarus/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Carriage } from './lossy-network.ts';
import { createLossyNetwork } from './lossy-network.ts';
import type { NodeId } from './three-nodes.ts';
import { aRule, aSnapshot, bind, NODES, threeMembers, ZONES } from './three-nodes.ts';

const DEADLINE_MS = 20_000;

/** Passes on the nodes whose zones the event names. */
const says = definePrecondition({
  name: 'Says',
  summary: 'Passes where the event says so.',
  params: z.strictObject({}),
  check: ({ event, zone }) =>
    (event.attributes['yes'] as string).includes(zone)
      ? { verdict: 'pass' }
      : { verdict: 'fail', reason: 'the event says no' },
});

const carriage: fc.Arbitrary<Carriage> = fc.record({
  delaysMs: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30_000 })), { maxLength: 3 }),
  isCrossed: fc.boolean(),
});
const asked = fc.record({
  coordinator: fc.constantFrom(...NODES),
  yes: fc.subarray([...ZONES]),
  decisionId: fc.constantFrom('d1', 'd2'),
  afterMs: fc.constantFrom(0, 0, 1, 700, 9_000),
});
type Asked = typeof asked extends fc.Arbitrary<infer One> ? One : never;

interface Cast {
  readonly voter: NodeId;
  readonly nonce: string;
  readonly atMs: number;
}
interface Held {
  readonly nonce: string;
  readonly endsAtMs: number;
  readonly result: BallotResult;
}

/** Holds the ballots over a network that does what is planned; says which yes votes were cast at their source. */
async function hold(ballots: readonly Asked[], plan: readonly Carriage[], outdated: readonly NodeId[]) {
  const clock = createManualClock();
  const network = createLossyNetwork(clock, plan);
  const yes: Cast[] = [];
  let nonce = '';
  let count = 0;
  const ids = { next: () => (nonce = `ballot-${(count += 1)}`) };
  const startNode = (self: NodeId): Coordinator => {
    const snapshot = aSnapshot(
      aRule({ prechecks: [bind(says)] }),
      outdated.includes(self) ? 'digest-0' : 'digest-1',
    );
    const zone = ZONES[NODES.indexOf(self)]!;
    const probe = createFakeHealthProbe({ clock, zone });
    const fleet = createFakeFleet({ clock, hosts: [] });
    const voter = createVoter(
      { self, membership: threeMembers },
      { clock, log: silentLogger, fleet, probe, snapshot: () => snapshot },
    );
    const recording = {
      id: self,
      answer: async (...question: Parameters<typeof voter.answer>) => {
        const answer = await voter.answer(...question);
        const isOurs = answer.config_digest === 'digest-1';
        if (answer.verdict === 'yes' && isOurs)
          yes.push({ voter: self, nonce: answer.nonce, atMs: clock.monotonic() });
        return answer;
      },
    };
    return createCoordinator(
      { self, membership: threeMembers },
      { clock, ids, log: silentLogger, transport: network.node(self), voter: recording },
    );
  };
  const nodes = { a: startNode('a'), b: startNode('b'), c: startNode('c') };
  const held: Promise<Held>[] = [];
  for (const each of ballots) {
    await clock.advance(each.afterMs);
    const endsAtMs = clock.monotonic() + DEADLINE_MS;
    const pending = nodes[each.coordinator].ballot(
      {
        decisionId: each.decisionId,
        configDigest: 'digest-1',
        event: anEvent({ attributes: { yes: each.yes.join(' ') } }),
        rule: 'host_down',
        deadlineAtMs: endsAtMs,
      },
      { signal: new AbortController().signal },
    );
    const own = nonce;
    held.push(pending.then((result) => ({ nonce: own, endsAtMs, result })));
  }
  await clock.advance(3 * DEADLINE_MS);
  const results = await Promise.all(held);
  for (const id of NODES) await nodes[id].close();
  return { yes, results, happened: network.happened };
}

describe('ballots over a network that loses, repeats, reorders, delays and crosses messages', () => {
  it('are won only by timely yes votes of 2 members that were cast in that ballot (S2, S15)', async () => {
    const seen = {
      reached: 0,
      not_reached: 0,
      timed_out: 0,
      voided: 0,
      lost: 0,
      duplicated: 0,
      delayed: 0,
      crossed: 0,
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(asked, { minLength: 1, maxLength: 6 }),
        fc.array(carriage, { maxLength: 40 }),
        fc.oneof(
          { weight: 3, arbitrary: fc.constant([]) },
          { weight: 1, arbitrary: fc.subarray([...NODES]) },
        ),
        async (ballots, plan, outdated) => {
          const { yes, results, happened } = await hold(ballots, plan, outdated);
          for (const { nonce, endsAtMs, result } of results) {
            const timely = yes.filter((each) => each.nonce === nonce && each.atMs < endsAtMs);
            const cast = new Set<string>(timely.map(({ voter }) => voter));
            const counted = result.votes.filter(({ verdict }) => verdict === 'yes').map(({ voter }) => voter);
            expect(new Set(result.votes.map(({ voter }) => voter)).size).toBe(result.votes.length);
            expect(counted.filter((voter) => !cast.has(voter))).toEqual([]);
            expect(result.yes).toBe(counted.length);
            if (result.outcome === 'reached') expect(counted.length).toBeGreaterThanOrEqual(2);
            seen[result.outcome] += 1;
            seen.voided += result.voided.length;
          }
          for (const what of ['lost', 'duplicated', 'delayed', 'crossed'] as const)
            seen[what] += happened[what];
        },
      ),
      { numRuns: 400 },
    );
    // A run in which nothing of this happened would show nothing.
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(20);
  }, 60_000);

  it('are reached all the same while the messages of 2 nodes arrive', async () => {
    const ballots = NODES.map((coordinator): Asked => ({
      coordinator,
      yes: [...ZONES],
      decisionId: 'd1',
      afterMs: 0,
    }));
    const { results } = await hold(ballots, [{ delaysMs: [], isCrossed: false }], []);
    expect(results.map(({ result }) => result.outcome)).toEqual(['reached', 'reached', 'reached']);
  });
});
