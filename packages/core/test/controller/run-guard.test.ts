import { createRunGuard, EVIDENCE_FRESH_MS } from '@lazarus/core/controller';
import type { SafePoint } from '@lazarus/core/controller';
import { describe, expect, it } from 'vitest';
import { aHost, aRule, aSnapshot, anEvent, createWorld } from '../decision/world.ts';
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

function guardOf(world: World, snapshot = aSnapshot(aRule())) {
  return createRunGuard({ ...world, snapshot: () => snapshot });
}

function firstDestructive(evidenceAtMs?: number): SafePoint {
  return evidenceAtMs === undefined ? { firstDestructive: true } : { firstDestructive: true, evidenceAtMs };
}

describe('the guard of a run', () => {
  it('S3: puts the preconditions to the vote again when the evidence is 10 s and 1 ms old', async () => {
    const world = createWorld();
    const evidenceAtMs = world.clock.monotonic();
    await world.clock.advance(EVIDENCE_FRESH_MS + 1);
    expect(await guardOf(world)(run, firstDestructive(evidenceAtMs), signal)).toMatchObject({
      verdict: 'pass',
    });
    expect(world.voters.ballots).toHaveLength(1);
  });

  it('asks nobody again while the evidence is at most 10 s old', async () => {
    const world = createWorld();
    const evidenceAtMs = world.clock.monotonic();
    await world.clock.advance(EVIDENCE_FRESH_MS);
    await guardOf(world)(run, firstDestructive(evidenceAtMs), signal);
    expect(world.voters.ballots).toHaveLength(0);
  });

  it('S3: asks again in a process that took the run over, because it knows nothing about the age', async () => {
    const world = createWorld();
    await guardOf(world)(run, firstDestructive(), signal);
    expect(world.voters.ballots).toHaveLength(1);
  });

  it('S3: stops the run when the host recovered meanwhile, and names the check', async () => {
    const world = createWorld();
    world.voters.setVerdicts({ a: 'no', b: 'no', c: 'yes' });
    const verdict = await guardOf(world)(run, firstDestructive(), signal);
    expect(verdict).toMatchObject({
      verdict: 'fail',
      reason: expect.stringMatching(/1 of 2 needed votes.*Fake/) as unknown,
    });
  });

  it('S15: stops the run when its rule was removed or is not trusted to act any more', async () => {
    const world = createWorld();
    expect(await guardOf(world, aSnapshot(undefined))(run, firstDestructive(), signal)).toMatchObject({
      verdict: 'fail',
    });
    expect(
      await guardOf(world, aSnapshot(aRule({ mode: 'notify' })))(run, firstDestructive(), signal),
    ).toMatchObject({
      verdict: 'fail',
      reason: expect.stringMatching(/mode notify/) as unknown,
    });
  });

  it('S15: votes again with the configuration of the decision while the node has it, else with the one in force', async () => {
    const world = createWorld();
    const before = { ...aSnapshot(aRule()), digest: 'before' };
    const guard = createRunGuard({
      ...world,
      snapshot: () => aSnapshot(aRule()),
      snapshotOf: (digest) => (digest === 'before' ? before : undefined),
    });
    await guard({ ...run, configDigest: 'before' }, firstDestructive(), signal);
    await guard({ ...run, configDigest: 'long ago' }, firstDestructive(), signal);
    expect(world.voters.ballots.map(({ configDigest, revalidates }) => [configDigest, revalidates])).toEqual([
      ['before', true],
      ['config-digest-1', true],
    ]);
  });

  it('S14: stops the run at any safe point once somebody paused the service', async () => {
    const world = createWorld();
    await world.pauses.set({
      scope: { service: 'web' },
      author: 'ada',
      reason: 'drill',
      since: '2026-01-01T00:00:00Z',
    });
    expect(await guardOf(world)(run, { firstDestructive: false }, signal)).toMatchObject({
      verdict: 'fail',
      reason: 'paused by ada: drill',
    });
  });

  it('stops the run at any safe point once a person took the page', async () => {
    const world = createWorld();
    world.pager.touch('web/web1');
    expect(await guardOf(world)(run, { firstDestructive: false }, signal)).toMatchObject({ verdict: 'fail' });
  });

  it('S7: does not begin while 6 services of the region are failing', async () => {
    const world = createWorld();
    for (const service of ['s1', 's2', 's3', 's4', 's5', 's6']) {
      await world.windows.observe({ eventId: service, region: 'us-east-1', service, entity: 'x' });
    }
    expect(await guardOf(world)(run, firstDestructive(world.clock.monotonic()), signal)).toMatchObject({
      verdict: 'fail',
    });
  });

  it('S7: goes on after its first destructive step although the breaker opened, because half-way is worse', async () => {
    const world = createWorld();
    for (const service of ['s1', 's2', 's3', 's4', 's5', 's6']) {
      await world.windows.observe({ eventId: service, region: 'us-east-1', service, entity: 'x' });
    }
    expect(await guardOf(world)(run, { firstDestructive: false }, signal)).toMatchObject({ verdict: 'pass' });
  });

  it('counts a store that does not answer as a no before anything was done', async () => {
    const world = createWorld();
    world.pager.fail('502');
    expect(await guardOf(world)(run, firstDestructive(world.clock.monotonic()), signal)).toMatchObject({
      verdict: 'fail',
      reason: expect.stringMatching(/could not be checked/) as unknown,
    });
  });

  it('goes on after its first destructive step while the pager does not answer, because half-way is worse', async () => {
    const world = createWorld();
    world.pager.fail('502');
    expect(await guardOf(world)(run, { firstDestructive: false }, signal)).toMatchObject({ verdict: 'pass' });
  });

  it('does not begin when a person resolved the page meanwhile', async () => {
    const world = createWorld();
    await world.pager.resolve({ incidentKey: 'web/web1' });
    expect(await guardOf(world)(run, firstDestructive(world.clock.monotonic()), signal)).toMatchObject({
      verdict: 'fail',
      reason: 'page web/web1 was resolved meanwhile',
    });
  });

  it.each([
    ['8 hosts', 8, true, 'pass'],
    ['4 hosts', 4, true, 'fail'],
    ['8 hosts of an incomplete inventory', 8, false, 'fail'],
  ])('S8: with 2 failing and a limit of a quarter of %s', async (_what, count, complete, expected) => {
    const world = createWorld();
    for (const host of ['web1', 'web2'])
      await world.windows.observe({ eventId: host, region: 'us-east-1', service: 'web', entity: host });
    const hosts = Array.from({ length: count }, (_, at) => aHost({ hostId: `i-${at}`, name: `web${at}` }));
    world.fleet.list = () => Promise.resolve({ service: 'web', hosts, complete, observedAtMs: 0 });
    const limits = { maxEntities: 3, maxEntitiesFraction: 0.25 };
    const guard = guardOf(world, aSnapshot(aRule({ limits })));
    expect((await guard(run, firstDestructive(), signal)).verdict).toBe(expected);
  });
});
