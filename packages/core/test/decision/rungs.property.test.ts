/** The rungs that are part of the walk itself, each beside a naive model: fresh, coalesce, hold down, deadline. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClaims } from '../../src/decision/claims.ts';
import type { Claimant } from '../../src/decision/claims.ts';
import type { Decision } from '../../src/decision/decision.ts';
import type { DecisionRecord } from '../../src/decision/record.ts';
import { aRule, anEvent, createWorld } from './world.ts';

const SKEW_MS = 30_000;
const gate = (record: DecisionRecord, id: string) => record.gates.find((each) => each.gate === id);

describe('the rung fresh', () => {
  it('S9: lets through what is neither older than the rule allows nor dated beyond the skew, to the millisecond', async () => {
    const near = (edge: number) => fc.integer({ min: edge - 2, max: edge + 2 });
    const cases = fc
      .integer({ min: 1_000, max: 600_000 })
      .chain((staleAfterMs) =>
        fc.tuple(
          fc.constant(staleAfterMs),
          fc.oneof(near(staleAfterMs), near(-SKEW_MS), fc.integer({ min: -900_000, max: 900_000 })),
        ),
      );
    await fc.assert(
      fc.asyncProperty(cases, async ([staleAfterMs, ageMs]) => {
        const world = createWorld({ rule: aRule({ staleAfterMs }) });
        const time = new Date(world.clock.now() - ageMs).toISOString();
        const record = await world.controller.decide(anEvent({ time }));
        const expected = ageMs > staleAfterMs ? 'stale' : ageMs < -SKEW_MS ? 'future_dated' : undefined;
        expect(gate(record, 'fresh')).toMatchObject({ verdict: expected === undefined ? 'pass' : 'fail' });
        if (expected !== undefined) expect(record.decision).toMatchObject({ reason: expected });
      }),
      { numRuns: 150 },
    );
  });
});

describe('the rung coalesce', () => {
  it('S1: gives each entity to one walk at a time, and tells all who wait how it was decided, over random walks', async () => {
    const steps = fc.array(
      fc.record({ end: fc.boolean(), walk: fc.nat({ max: 4 }), entity: fc.constantFrom('a', 'b', 'c') }),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const claims = createClaims();
        const walks: readonly Claimant[] = Array.from({ length: 5 }, (_, at) => ({ eventId: `e-${at}` }));
        const owners = new Map<string, Claimant>();
        const told: { readonly by: Claimant; readonly outcome: Promise<{ readonly eventId: string }> }[] = [];
        for (const { end, walk, entity } of sequence) {
          const claimant = walks[walk] ?? { eventId: 'none' };
          if (end) {
            const decision: Decision = { kind: 'escalate', reason: 'no_rule', detail: claimant.eventId };
            claims.end(claimant, decision);
            for (const [key, owner] of owners) if (owner === claimant) owners.delete(key);
            continue;
          }
          const owner = owners.get(entity);
          const claim = claims.claim(entity, claimant);
          expect(claim.mine).toBe(owner === undefined || owner === claimant);
          if (!claim.mine && owner !== undefined) {
            expect(claim.eventId).toBe(owner.eventId);
            told.push({ by: owner, outcome: claim.ended });
          }
          if (owner === undefined) owners.set(entity, claimant);
          expect(claims.size).toBe(owners.size);
        }
        for (const claimant of walks)
          claims.end(claimant, { kind: 'escalate', reason: 'no_rule', detail: '' });
        for (const { by, outcome } of told) expect(await outcome).toMatchObject({ eventId: by.eventId });
        expect(claims.size).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the rung hold down', () => {
  it('S7: waits as long as the rule says, or until a look of every 500 ms sees the storm', async () => {
    const cases = fc.tuple(fc.integer({ min: 0, max: 12_000 }), fc.integer({ min: 1, max: 15_000 }));
    await fc.assert(
      fc.asyncProperty(cases, async ([holdDownMs, stormAfterMs]) => {
        const world = createWorld({ rule: aRule({ holdDownMs }) });
        const deciding = world.controller.decide(anEvent());
        await world.clock.advance(stormAfterMs);
        for (const host of ['h1', 'h2', 'h3', 'h4'])
          await world.windows.observe({
            eventId: `storm/${host}`,
            region: 'us-east-1',
            service: 'web',
            entity: host,
          });
        await world.clock.advance(30_000);
        const record = await deciding;
        const seenAtMs = Math.ceil(stormAfterMs / 500) * 500;
        // A storm that comes in the very millisecond of a look is seen by the next one.
        const seenNextMs = stormAfterMs % 500 === 0 ? seenAtMs + 500 : seenAtMs;
        expect(gate(record, 'hold_down')?.evidence).toMatchObject({
          waited_ms: Math.min(holdDownMs, seenNextMs),
        });
      }),
      { numRuns: 120 },
    );
  });
});

describe('the deadline', () => {
  it('L1: never acknowledges a page later than the rule allows, counted from the event, however slow everybody is', async () => {
    const cases = fc.record({
      decideWithinMs: fc.integer({ min: 1_000, max: 45_000 }),
      holdDownMs: fc.integer({ min: 0, max: 40_000 }),
      ageMs: fc.integer({ min: 0, max: 50_000 }),
      votingMs: fc.integer({ min: 0, max: 40_000 }),
    });
    let acknowledged = 0;
    await fc.assert(
      fc.asyncProperty(cases, async ({ decideWithinMs, holdDownMs, ageMs, votingMs }) => {
        const world = createWorld({ rule: aRule({ decideWithinMs, holdDownMs }) });
        const cast = world.voters.ballot.bind(world.voters);
        world.voters.ballot = async (request, options) => {
          await world.clock.sleep(votingMs, { signal: options.signal });
          return cast(request, options);
        };
        const bornMs = world.clock.now() - ageMs;
        const deciding = world.controller.decide(anEvent({ time: new Date(bornMs).toISOString() }));
        await world.clock.advance(200_000);
        const record = await deciding;
        const takenMs = ageMs + holdDownMs + votingMs;
        if (record.page.action === 'acknowledged') {
          acknowledged += 1;
          expect(takenMs).toBeLessThan(decideWithinMs);
        }
        if (takenMs + 1_000 < decideWithinMs) expect(record.decision.kind).toBe('remediate');
        if (takenMs > decideWithinMs) expect(record.decision.kind).toBe('escalate');
      }),
      { numRuns: 150 },
    );
    expect(acknowledged).toBeGreaterThan(3);
  });
});
