import { createRunGuard, EVIDENCE_FRESH_MS } from '@lazarus/core/controller';
import type { Pager, Voters } from '@lazarus/core/ports';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aRule, aSnapshot, anEvent, createWorld } from '../decision/world.ts';
import type { World } from '../decision/world.ts';

const signal = new AbortController().signal;
const run = {
  runId: 'd'.repeat(64),
  event: anEvent(),
  rule: 'host_down',
  service: 'web',
  hostId: 'i-web1',
  incidentKey: 'web/web1',
};

/** What can happen to a run that is about to act; each of it forbids to. */
const HAPPENINGS = {
  pause: (world: World) =>
    world.pauses.set({ scope: {}, author: 'ada', reason: 'storm', since: '2026-01-01T00:00:00Z' }),
  touch: async (world: World) => world.pager.touch('web/web1'),
  storm: async (world: World) => {
    for (let at = 0; at < 6; at += 1)
      await world.windows.observe({
        eventId: `storm/${at}`,
        region: 'us-east-1',
        service: `s${at}`,
        entity: 'h',
      });
  },
  limit: async (world: World) => {
    for (let at = 0; at < 4; at += 1)
      await world.windows.observe({
        eventId: `limit/${at}`,
        region: 'us-east-1',
        service: 'web',
        entity: `h${at}`,
      });
  },
};

describe('a run right before its first destructive step', () => {
  it('S3, S7, S14: goes on only with a yes that is at most 10 s old, and when nothing forbids it as it goes on', async () => {
    const happening = fc.record({
      atMs: fc.integer({ min: 0, max: 25_000 }),
      what: fc.constantFrom(...(Object.keys(HAPPENINGS) as (keyof typeof HAPPENINGS)[])),
    });
    const scenario = fc.record({
      evidenceAgeMs: fc.option(fc.integer({ min: 0, max: 20_000 }), { nil: undefined }),
      ballotMs: fc.integer({ min: 0, max: 19_000 }),
      pagerMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 12_000 })),
      isYes: fc.boolean(),
      happenings: fc.array(happening, { maxLength: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ evidenceAgeMs, ballotMs, pagerMs, isYes, happenings }) => {
        const world = createWorld();
        world.voters.setVerdicts(isYes ? { a: 'yes', b: 'yes', c: 'yes' } : { a: 'no', b: 'no', c: 'yes' });
        let votedAtMs: number | undefined;
        const voters: Voters = {
          ballot: async (request, options) => {
            votedAtMs = world.clock.monotonic();
            const leftMs = request.deadlineAtMs - world.clock.monotonic();
            await world.clock.sleep(Math.min(ballotMs, leftMs));
            const result = await world.voters.ballot(request, options);
            return ballotMs < leftMs ? result : { ...result, outcome: 'timed_out', yes: 0, votes: [] };
          },
        };
        // It answers with what is so when it answers.
        const pager: Pager = {
          ...world.pager,
          find: async (query) => {
            if (pagerMs > 0) await world.clock.sleep(pagerMs);
            return world.pager.find(query);
          },
        };
        const evidenceAtMs =
          evidenceAgeMs === undefined ? undefined : world.clock.monotonic() - evidenceAgeMs;
        const beganAtMs = world.clock.monotonic();
        let endedAtMs: number | undefined;
        for (const { atMs, what } of happenings)
          if (atMs === 0) await HAPPENINGS[what](world);
          else
            void world.clock.sleep(atMs).then(async () => {
              if (endedAtMs === undefined) await HAPPENINGS[what](world);
            });
        const guard = createRunGuard({ ...world, voters, pager, snapshot: () => aSnapshot(aRule()) });
        const point = { firstDestructive: true, ...(evidenceAtMs === undefined ? {} : { evidenceAtMs }) };
        const deciding = guard(run, point, signal).then((verdict) => {
          endedAtMs = world.clock.monotonic();
          return verdict;
        });
        await world.clock.advance(60_000);
        const { verdict, reason } = await deciding;
        const tookMs = (endedAtMs ?? 0) - beganAtMs;
        const within = (ageMs: number | undefined): boolean =>
          ageMs !== undefined && ageMs <= EVIDENCE_FRESH_MS;
        const isFresh = within(evidenceAgeMs === undefined ? undefined : evidenceAgeMs + pagerMs);
        if (verdict === 'pass') {
          const isVoted =
            isYes && within(votedAtMs === undefined ? undefined : beganAtMs + tookMs - votedAtMs);
          expect(isFresh || isVoted, 'without a fresh yes').toBe(true);
          // The last look takes as long as the pager does.
          const forbidden = happenings.some(({ atMs }) => atMs === 0 || atMs < tookMs - pagerMs);
          expect(forbidden, 'although it was forbidden meanwhile').toBe(false);
        } else {
          // It was not refused for nothing either.
          const forbidden = happenings.some(({ atMs }) => atMs <= tookMs);
          const couldBeVoted = isYes && ballotMs < EVIDENCE_FRESH_MS && within(ballotMs + pagerMs);
          expect(forbidden || (!isFresh && !couldBeVoted), reason).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});
