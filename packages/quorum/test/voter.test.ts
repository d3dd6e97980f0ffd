import type { Snapshot } from '@lazarus/core';
import { createSnapshotShelf, type EffectiveRule } from '@lazarus/core/config';
import { createLocalRing, createMemoryWindows } from '@lazarus/core/memory';
import type { Host, Windows } from '@lazarus/core/ports';
import type { Question } from '@lazarus/quorum';
import { createVoter } from '@lazarus/quorum';
import {
  aHost,
  anEvent,
  createFakeFleet,
  createFakeHealthProbe,
  createManualClock,
  silentLogger,
} from '@lazarus/testing';
import type { ManualClock } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { aRule, aSnapshot, threeMembers, ZONES } from './three-nodes.ts';

const question: Question = {
  version: 1,
  decision_id: 'd1',
  config_digest: 'digest-1',
  membership_epoch: 4,
  nonce: 'ballot-1',
  expires_at: 77,
  expires_in_ms: 20_000,
  coordinator: 'b',
  event: anEvent(),
  rule: 'host_down',
  host_id: 'i-web1',
};

function createBench(
  options: {
    rule?: EffectiveRule;
    target?: Partial<Host>;
    windows?: Windows;
    latencyMs?: number;
    clock?: ManualClock;
    snapshot?: (digest: string) => Snapshot | undefined;
  } = {},
) {
  const clock = options.clock ?? createManualClock();
  const fleet = createFakeFleet({
    clock,
    hosts: ZONES.map((zone, index) => aHost({ hostId: `i-web${index + 1}`, zone })),
  });
  fleet.put({ ...fleet.get('i-web1')!, ...options.target });
  const probe = createFakeHealthProbe({ clock, zone: ZONES[0], latencyMs: options.latencyMs ?? 0 });
  probe.set('i-web1', 'unreachable');
  let snapshot: Snapshot | undefined = aSnapshot(options.rule ?? aRule());
  const voter = createVoter(
    { self: 'a', membership: threeMembers },
    {
      clock,
      log: silentLogger,
      fleet,
      probe,
      snapshot: options.snapshot ?? (() => snapshot),
      ...(options.windows === undefined ? {} : { windows: options.windows }),
    },
  );
  const answer = (part: Partial<Record<keyof Question, unknown>> = {}, from = 'b') =>
    voter.answer({ ...question, ...part }, { from, signal: new AbortController().signal });
  return { clock, fleet, probe, answer, use: (next: Snapshot | undefined) => (snapshot = next) };
}

describe('voter', () => {
  it('says yes when every check passes, and repeats what the vote is bound to', async () => {
    const answer = await createBench().answer();
    expect(answer).toMatchObject({
      verdict: 'yes',
      voter: 'a',
      zone: ZONES[0],
      decision_id: 'd1',
      nonce: 'ballot-1',
      expires_at: 77,
      membership_epoch: 4,
    });
    expect(answer.checks.map(({ check, verdict }) => `${check} ${verdict}`)).toEqual([
      'Target pass',
      'MinActiveHosts pass',
      'HealthCheckDown pass',
      'PeerCheck pass',
    ]);
  });

  it('says no when one check fails, with the reason', async () => {
    const bench = createBench();
    bench.probe.set('i-web2', 'unhealthy');
    const answer = await bench.answer();
    expect(answer.verdict).toBe('no');
    expect(answer.checks.find(({ check }) => check === 'PeerCheck')?.reason).toContain('web2 (unhealthy)');
  });

  it('does not vote with another configuration, none, or in another membership epoch (S15)', async () => {
    const bench = createBench();
    expect(await bench.answer({ config_digest: 'digest-2' })).toMatchObject({
      verdict: 'no',
      config_digest: 'digest-1',
      checks: [
        {
          check: 'Configuration',
          verdict: 'fail',
          reason: 'the ballot names configuration digest-2, which this node does not have; it has digest-1',
        },
      ],
    });
    expect(await bench.answer({ membership_epoch: 5 })).toMatchObject({ membership_epoch: 4, checks: [] });
    bench.use(undefined);
    expect(await bench.answer()).toMatchObject({
      verdict: 'no',
      config_digest: '',
      checks: [{ reason: expect.stringMatching(/it has none$/) as unknown }],
    });
    expect(bench.probe.probed).toEqual([]);
  });

  it('votes over a reload with the configuration that the ballot names, for 60 s (S15)', async () => {
    const clock = createManualClock();
    const shelf = createSnapshotShelf({ clock });
    const bench = createBench({ clock, snapshot: shelf.forBallot });
    shelf.use(aSnapshot(aRule()));
    shelf.use(aSnapshot(aRule({ prechecks: [] }), 'digest-2'));
    const answer = await bench.answer();
    expect(answer).toMatchObject({ verdict: 'yes', config_digest: 'digest-1' });
    expect(answer.checks).toHaveLength(4);
    await clock.advance(60_000);
    expect(await bench.answer()).toMatchObject({ verdict: 'no', config_digest: 'digest-2' });
  });

  it('says no to a rule that it does not have', async () => {
    expect(await createBench().answer({ rule: 'other' })).toMatchObject({
      verdict: 'no',
      checks: [{ check: 'Rule', verdict: 'fail' }],
    });
  });

  it.each<[string, Partial<Host>, string]>([
    ['protected', { isProtected: true }, 'web1 is protected'],
    ['not opted in', { managed: false }, 'web1 has not opted in'],
    ['of another environment', { environment: 'stage' }, 'i-web1 is in stage, the event says prod'],
    ['kept for examination', { lifecycle: 'forensics' }, 'web1 is kept for examination'],
    ['of another service', { service: 'api' }, 'i-web1 is unknown to this node'],
  ])('says no about a host that is %s by its own view (S16)', async (_which, target, reason) => {
    const answer = await createBench({ target }).answer();
    expect(answer.verdict).toBe('no');
    expect(answer.checks[0]).toMatchObject({ check: 'Target', verdict: 'fail', reason });
  });

  it('says no when the fleet cannot be read, and about a host that it knows by name only', async () => {
    const bench = createBench();
    expect((await bench.answer({ host_id: 'web1' })).checks[0]).toMatchObject({
      verdict: 'fail',
      reason: 'web1 is unknown to this node',
    });
    bench.fleet.fail('throttled');
    const answer = await bench.answer();
    expect(answer.verdict).toBe('no');
    expect(answer.checks[0]?.reason).toContain('LZ_FLEET_UNAVAILABLE');
  });

  it('says no to an event that is 1 s too old, or 31 s ahead, by its own clock (S9)', async () => {
    const bench = createBench();
    const dated = (time: string, more: Partial<Question> = {}) =>
      bench.answer({ ...more, event: anEvent({ time }) });
    expect(await dated('2025-12-31T23:55:00Z')).toMatchObject({ verdict: 'yes' });
    expect(await dated('2025-12-31T23:54:59Z')).toMatchObject({
      verdict: 'no',
      checks: [{ check: 'EventAge', reason: 'the event is 301 s old, the limit is 300 s' }],
    });
    expect(await dated('2026-01-01T00:00:31Z')).toMatchObject({
      verdict: 'no',
      checks: [{ check: 'EventAge' }],
    });
  });

  it('votes again about a run whatever the age of its event, because it was fresh when it was decided', async () => {
    const answer = await createBench().answer({
      revalidates: true,
      event: anEvent({ time: '2025-12-31T23:40:00Z' }),
    });
    expect(answer.verdict).toBe('yes');
  });

  it('says no when there is nothing to check (S8)', async () => {
    const answer = await createBench({ rule: aRule({ prechecks: [] }) }).answer({ host_id: undefined });
    expect(answer).toMatchObject({ verdict: 'no', checks: [] });
  });

  it('answers no before the ballot ends when a probe takes too long', async () => {
    const bench = createBench({ latencyMs: 1_900 });
    const pending = bench.answer({ expires_in_ms: 1_000 });
    await bench.clock.advance(900);
    const answer = await pending;
    expect(answer.verdict).toBe('no');
    expect(answer.checks.find(({ check }) => check === 'HealthCheckDown')?.reason).toContain('about to end');
    expect(bench.clock.pending).toBe(0);
  });

  it('answers members only, and only well-formed questions in their own name (S18)', async () => {
    const bench = createBench();
    await expect(bench.answer({}, 'x')).rejects.toMatchObject({ code: 'LZ_VOTE_TRANSPORT' });
    await expect(bench.answer({ coordinator: 'c' })).rejects.toThrow('claims to come from c');
    await expect(bench.answer({ event: { id: 'x' } })).rejects.toThrow('malformed at event');
    await expect(bench.answer({ surprise: 1 } as never)).rejects.toThrow('malformed');
  });

  it('applies a limit that is a share of the hosts to its own count, and allows none when the hosts are not known', async () => {
    const windows = createMemoryWindows({ clock: createManualClock(), history: [] });
    // The second one is the host that the ballot is about.
    await windows.observe({ eventId: 'e0', region: 'us-east-1', service: 'web', entity: 'h0' });
    const limited = (maxEntitiesFraction: number) =>
      createBench({ windows, rule: aRule({ limits: { maxEntities: 3, maxEntitiesFraction } }) });
    expect((await limited(0.7).answer()).verdict).toBe('yes');
    expect((await limited(0.4).answer()).verdict).toBe('no');
    const partial = limited(0.7);
    partial.fleet.truncate(true);
    const reasons = (await partial.answer()).checks.map(({ reason }) => reason ?? '');
    expect(reasons.some((reason) => reason.includes('0 are allowed'))).toBe(true);
  });

  it('says no while its own counts are over the bounds, unknown or unreadable (S7)', async () => {
    const clock = createManualClock();
    const windows = createMemoryWindows({ clock, history: [] });
    expect((await createBench({ windows }).answer()).verdict).toBe('yes');
    for (let host = 0; host < 4; host += 1)
      await windows.observe({ eventId: `e${host}`, region: 'us-east-1', service: 'web', entity: `h${host}` });
    const limited = await createBench({ windows }).answer();
    expect(limited).toMatchObject({ verdict: 'no' });
    expect(limited.checks.find(({ check }) => check === 'LocalWindows')?.reason).toContain(
      '5 of web are failing',
    );
    expect((await createBench({ windows: createMemoryWindows({ clock }) }).answer()).verdict).toBe('no');
    const gone = async () => Promise.reject(new Error('gone'));
    const broken: Windows = { view: gone, observe: gone };
    expect((await createBench({ windows: broken }).answer()).verdict).toBe('no');
  });

  it('S7: says no to the 4th failing host that it is asked about when the shared counts forget the others', async () => {
    const clock = createManualClock();
    const observed: string[] = [];
    const shared: Windows = {
      // Shared counts from the past: they never know more than the present event.
      observe: (observation) => {
        observed.push(`${observation.eventId} ${observation.entity}`);
        return createMemoryWindows({ clock, history: [] }).observe(observation);
      },
      view: (scope) => createMemoryWindows({ clock, history: [] }).view(scope),
    };
    const bench = createBench({ clock, windows: createLocalRing({}, { shared, clock }) });
    for (const id of ['i-web1', 'i-web2', 'i-web3', 'i-web4'])
      bench.fleet.put(aHost({ hostId: id, zone: ZONES[0] }));
    const ask = async (id: string, more: Partial<Question> = {}) => {
      const answer = await bench.answer({ event: anEvent({ id: `e-${id}` }), host_id: id, ...more });
      return answer.checks.find(({ check }) => check === 'LocalWindows');
    };
    expect(await ask('i-web1')).toMatchObject({ verdict: 'pass', evidence: { entities: 1 } });
    expect(await ask('i-web2')).toMatchObject({ verdict: 'pass', evidence: { entities: 2 } });
    for (let time = 0; time < 3; time += 1)
      expect(await ask('i-web2')).toMatchObject({ verdict: 'pass', evidence: { entities: 2 } });
    expect(await ask('i-web4', { supposed: true })).toMatchObject({ evidence: { entities: 2 } });
    expect(await ask('i-web4', { revalidates: true })).toMatchObject({ evidence: { entities: 2 } });
    expect(await ask('i-web3')).toMatchObject({ verdict: 'pass', evidence: { entities: 3 } });
    expect(await ask('i-web4')).toMatchObject({
      verdict: 'fail',
      reason: "4 of web are failing by this node's count, 3 are allowed",
      evidence: { entities: 4, counted: { shared: { entities: 1 }, local: { entities: 4 } } },
    });
    expect(observed[0]).toBe(`${anEvent().source}/e-i-web1 i-web1`);
  });
});
