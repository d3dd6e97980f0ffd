import { BUILT_IN_PRECONDITIONS, createPreconditionRegistry } from '@lazarus/core';
import type { Precondition } from '@lazarus/core';
import type { Host } from '@lazarus/core/ports';
import { describe, expect, it } from 'vitest';
import { createBallotKit, web, ZONES } from './ballot-kit.ts';

const registry = createPreconditionRegistry();
const named = (name: string): Precondition => {
  const definition = registry.find(name);
  if (definition === undefined) throw new Error(`no precondition ${name}`);
  return definition;
};

describe('MinActiveHosts', () => {
  const check = named('MinActiveHosts');

  it('passes with 2 other active hosts when the minimum is 2, and fails with 1', async () => {
    expect(await createBallotKit().check(check, { minimum: 2 })).toMatchObject({
      verdict: 'pass',
      evidence: { active: 2 },
    });
    const result = await createBallotKit([web(1), web(2)]).check(check, { minimum: 2 });
    expect(result).toMatchObject({
      verdict: 'fail',
      reason: '1 other hosts are active, at least 2 are needed',
    });
  });

  it.each<[string, Partial<Host>]>([
    ['that is being removed', { lifecycle: 'removing' }],
    ['that is being launched', { lifecycle: 'launching' }],
    ['in forensics', { lifecycle: 'forensics' }],
    ['that is stopped', { state: 'stopped' }],
    ['that is terminated', { state: 'terminated' }],
    ['outside of the load balancer', { inLoadBalancer: false }],
    ['of another environment', { environment: 'stage' }],
  ])('does not count a host %s (S5)', async (_which, overrides) => {
    const kit = createBallotKit([web(1), web(2), web(3, overrides)]);
    expect(await kit.check(check, { minimum: 2 })).toMatchObject({
      verdict: 'fail',
      evidence: { active: 1 },
    });
  });

  it('counts hosts of a service without a load balancer', async () => {
    const kit = createBallotKit([1, 2, 3].map((number) => web(number, { inLoadBalancer: false })));
    expect(await kit.check(check, { minimum: 2 })).toMatchObject({
      verdict: 'pass',
      evidence: { active: 2 },
    });
  });

  it('needs no target for an event about a service', async () => {
    expect(await createBallotKit().check(check, { minimum: 3 }, null)).toMatchObject({
      verdict: 'pass',
      evidence: { active: 3 },
    });
  });
});

describe('MaxActiveHosts', () => {
  const check = named('MaxActiveHosts');

  it('passes with 3 active hosts when the maximum is 4, and fails when it is 3: a clone adds one', async () => {
    expect((await createBallotKit().check(check, { maximum: 4 })).verdict).toBe('pass');
    const result = await createBallotKit().check(check, { maximum: 3 });
    expect(result).toMatchObject({
      verdict: 'fail',
      reason: '3 hosts are active and 0 are being launched, the maximum is 3',
    });
  });

  it('counts launches in flight', async () => {
    const kit = createBallotKit([web(1), web(2), web(3, { lifecycle: 'launching', inLoadBalancer: false })]);
    expect(await kit.check(check, { maximum: 3 })).toMatchObject({
      verdict: 'fail',
      evidence: { active: 2, launching: 1 },
    });
  });

  it('does not count hosts in forensics', async () => {
    const kit = createBallotKit([web(1), web(2), web(3, { lifecycle: 'forensics', inLoadBalancer: false })]);
    expect((await kit.check(check, { maximum: 3 })).verdict).toBe('pass');
  });

  it('has no default', () => {
    expect(check.params.safeParse({}).success).toBe(false);
  });
});

describe('HealthCheckDown', () => {
  const check = named('HealthCheckDown');

  it.each(['unhealthy', 'unreachable'] as const)(
    'passes when the host is %s, and says what the ballot must show',
    async (status) => {
      const kit = createBallotKit();
      kit.probe.set('i-web1', status);
      expect(await kit.check(check)).toMatchObject({
        verdict: 'pass',
        evidence: { status, from_zone: ZONES[0], requires: { zone: ZONES[0] } },
      });
    },
  );

  it('fails when the host is healthy from here, and still demands its own zone', async () => {
    const kit = createBallotKit();
    expect(await kit.check(check, {}, web(2))).toMatchObject({
      verdict: 'fail',
      reason: 'web2 is healthy from us-east-1a',
      evidence: { requires: { zone: ZONES[1] } },
    });
  });

  it('passes on the number of nodes that must agree, and drops the zone only when told to', async () => {
    const kit = createBallotKit();
    kit.probe.set('i-web1', 'unreachable');
    expect((await kit.check(check, { agree: 3 })).evidence).toMatchObject({
      requires: { zone: ZONES[0], agree: 3 },
    });
    expect((await kit.check(check, { own_zone: 'optional', agree: 1 })).evidence?.['requires']).toEqual({
      agree: 1,
    });
  });

  it('fails when there is nowhere to ask, when the host is unknown, and when the probe breaks (S8)', async () => {
    const kit = createBallotKit();
    const { healthUrl: _dropped, ...withoutUrl } = web(1);
    kit.probe.set('i-web1', 'unreachable');
    expect(await kit.check(check, {}, withoutUrl)).toMatchObject({
      verdict: 'fail',
      reason: 'web1 has no healthcheck URL',
    });
    expect((await kit.check(check, {}, null)).verdict).toBe('fail');
    kit.controller.abort(new Error('ballot over'));
    expect(await kit.check(check)).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('ballot over') as unknown,
    });
  });

  it('takes a probe that hangs for the whole timeout as unreachable', async () => {
    const kit = createBallotKit();
    kit.probe.set('i-web1', 'hangs');
    const result = kit.check(check);
    await kit.clock.advance(2_000);
    expect(await result).toMatchObject({ verdict: 'pass', evidence: { status: 'unreachable' } });
  });
});

describe('PeerCheck', () => {
  const check = named('PeerCheck');

  it('passes while all peers are healthy, whatever the failed host answers', async () => {
    const kit = createBallotKit();
    kit.probe.set('i-web1', 'unreachable');
    expect(await kit.check(check)).toMatchObject({ verdict: 'pass', evidence: { peers: 2, unhealthy: 0 } });
    expect(kit.probe.probed).not.toContain('i-web1');
  });

  it('fails when one peer is not healthy, by name', async () => {
    const kit = createBallotKit();
    kit.probe.set('i-web2', 'unhealthy');
    expect(await kit.check(check)).toMatchObject({
      verdict: 'fail',
      reason: '1 of 2 peers are not healthy, 0 may be: web2 (unhealthy)',
    });
    expect((await kit.check(check, { max_unhealthy_peers: 1 })).verdict).toBe('pass');
  });

  it.each<[string, Partial<Host>]>([
    ['being launched', { lifecycle: 'launching' }],
    ['being removed', { lifecycle: 'removing' }],
    ['stopped', { state: 'stopped' }],
    ['without a healthcheck URL', { healthUrl: undefined as never }],
  ])('counts a host %s as unhealthy without believing its answer', async (_which, overrides) => {
    const kit = createBallotKit([web(1), web(2), web(3, overrides)]);
    expect(await kit.check(check)).toMatchObject({ verdict: 'fail', evidence: { peers: 2, unhealthy: 1 } });
    expect(kit.probe.probed).not.toContain('i-web3');
  });

  it("ignores a host in forensics: it is nobody's peer", async () => {
    const kit = createBallotKit([web(1), web(2), web(3, { lifecycle: 'forensics' })]);
    kit.probe.set('i-web3', 'unreachable');
    expect(await kit.check(check)).toMatchObject({ verdict: 'pass', evidence: { peers: 1 } });
  });

  it('fails without any peer', async () => {
    expect(await createBallotKit([web(1)]).check(check, { max_unhealthy_peers: 5 })).toMatchObject({
      verdict: 'fail',
      reason: 'web has no other host to compare with',
    });
  });

  it('fails when a shared dependency makes every host unhealthy', async () => {
    const kit = createBallotKit();
    kit.probe.setDefault('unhealthy');
    expect(await kit.check(check)).toMatchObject({ verdict: 'fail', evidence: { unhealthy: 2 } });
  });

  it('answers to both of its names', () => {
    expect(named('PeerHealth')).toBe(check);
  });
});

describe('ClusterHealth', () => {
  const check = named('ClusterHealth');
  const shard = (number: number, name: string, overrides: Partial<Host> = {}): Host =>
    web(number, { tags: { shard: name }, ...overrides });

  it('passes while the other members are healthy', async () => {
    expect(await createBallotKit().check(check)).toMatchObject({
      verdict: 'pass',
      evidence: { members: 2, healthy: 2 },
    });
  });

  it('fails below the share of healthy members, and with no other member at all', async () => {
    const kit = createBallotKit([web(1), web(4), web(7), web(10)]);
    for (const hostId of ['i-web4', 'i-web7']) kit.probe.set(hostId, 'unreachable');
    expect(await kit.check(check)).toMatchObject({
      verdict: 'fail',
      reason: '1 of 3 other members are healthy, 50 % are needed',
    });
    expect((await kit.check(check, { min_healthy_fraction: 0.3 })).verdict).toBe('pass');
    expect((await createBallotKit([web(1)]).check(check)).verdict).toBe('fail');
  });

  it('fails when members of another zone are not healthy, unless that is allowed', async () => {
    const kit = createBallotKit();
    kit.probe.set('i-web2', 'unhealthy');
    expect(await kit.check(check)).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('outside us-east-1a') as unknown,
    });
    expect((await kit.check(check, { one_zone: false })).verdict).toBe('pass');
  });

  it('never lets two members of one replica set be away', async () => {
    const kit = createBallotKit([shard(1, 's1'), shard(2, 's1'), shard(3, 's2'), shard(4, 's2')]);
    const params = { replica_set_tag: 'shard', one_zone: false };
    expect((await kit.check(check, params)).verdict).toBe('pass');
    kit.probe.set('i-web3', 'unhealthy');
    expect((await kit.check(check, params)).verdict).toBe('pass');
    kit.probe.set('i-web2', 'unhealthy');
    expect(await kit.check(check, { ...params, min_healthy_fraction: 0.1 })).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('replica set s1 has another member') as unknown,
    });
  });

  it('fails when the replica set has no other member or cannot be told', async () => {
    const params = { replica_set_tag: 'shard' };
    expect((await createBallotKit([shard(1, 's1'), shard(2, 's2')]).check(check, params)).verdict).toBe(
      'fail',
    );
    expect((await createBallotKit().check(check, params)).reason).toContain('has no tag shard');
  });
});

describe('NotDraining', () => {
  const check = named('NotDraining');

  it('passes for an active host and fails for one in any other lifecycle or with the tag', async () => {
    const kit = createBallotKit();
    expect((await kit.check(check)).verdict).toBe('pass');
    for (const lifecycle of ['launching', 'removing', 'forensics'] as const) {
      expect((await kit.check(check, {}, web(1, { lifecycle }))).verdict).toBe('fail');
    }
    expect((await kit.check(check, {}, web(1, { tags: { 'lazarus:draining': 'true' } }))).verdict).toBe(
      'fail',
    );
    expect((await kit.check(check, {}, web(1, { tags: { 'lazarus:draining': 'false' } }))).verdict).toBe(
      'pass',
    );
    expect((await kit.check(check, { tag: 'drain' }, web(1, { tags: { drain: '' } }))).verdict).toBe('fail');
    expect((await kit.check(check, {}, null)).verdict).toBe('fail');
  });
});

describe('MinUptime', () => {
  const check = named('MinUptime');
  const launched = (agoMs: number): Host => {
    const host = web(1);
    return { ...host, incarnation: { ...host.incarnation, launchedAtMs: Date.UTC(2026, 0, 1) - agoMs } };
  };

  it('passes from 5 min after the launch', async () => {
    const kit = createBallotKit();
    expect((await kit.check(check, {}, launched(300_000))).verdict).toBe('pass');
    expect(await kit.check(check, {}, launched(299_999))).toMatchObject({
      verdict: 'fail',
      reason: 'web1 was launched less than 5m ago',
    });
    expect((await kit.check(check, { uptime: '10s' }, launched(10_000))).verdict).toBe('pass');
  });

  it('fails for a launch in the future, an unknown launch time and an unknown host', async () => {
    const kit = createBallotKit();
    expect((await kit.check(check, {}, launched(-1))).verdict).toBe('fail');
    expect((await kit.check(check, {}, launched(Number.NaN))).verdict).toBe('fail');
    expect((await kit.check(check, {}, null)).verdict).toBe('fail');
  });
});

describe('MaintenanceWindow', () => {
  const check = named('MaintenanceWindow');

  /** The manual clock begins on a Thursday at 00:00 UTC. */
  it.each([
    ['in a window of the same day', { from: '00:00', to: '01:00' }, 30, 'fail'],
    ['at the end of the window', { from: '00:00', to: '01:00' }, 60, 'pass'],
    ['in a window that began yesterday', { days: ['wed'], from: '22:00', to: '02:00' }, 119, 'fail'],
    ['after a window that began yesterday', { days: ['wed'], from: '22:00', to: '02:00' }, 120, 'pass'],
    [
      'in the evening part of a window over midnight',
      { days: ['thu'], from: '22:00', to: '02:00' },
      22 * 60,
      'fail',
    ],
    ['on another day', { days: ['mon', 'tue'], from: '00:00', to: '23:59' }, 30, 'pass'],
    ['in a window of a whole day', { days: ['thu'], from: '00:00', to: '00:00' }, 1_439, 'fail'],
  ] as const)('%s', async (_when, window, minutes, verdict) => {
    const kit = createBallotKit();
    await kit.clock.advance(minutes * 60_000);
    expect((await kit.check(check, { windows: [window] })).verdict).toBe(verdict);
    expect((await kit.check(check, { windows: [window], allow: 'inside' })).verdict).toBe(
      verdict === 'pass' ? 'fail' : 'pass',
    );
  });

  it('allows nothing inside of no window', async () => {
    expect((await createBallotKit().check(check, { windows: [], allow: 'inside' })).verdict).toBe('fail');
  });
});

describe('NoRecentAction', () => {
  const check = named('NoRecentAction');
  const age = (host: Host, agoMs: number): Host => ({
    ...host,
    incarnation: { ...host.incarnation, launchedAtMs: Date.UTC(2026, 0, 1) - agoMs },
  });

  it('passes 30 min after the last launch in the service and fails before', async () => {
    expect((await createBallotKit().check(check)).verdict).toBe('pass');
    expect((await createBallotKit([web(1), age(web(2), 1_800_000)]).check(check)).verdict).toBe('pass');
    expect(await createBallotKit([web(1), age(web(2), 1_799_999)]).check(check)).toMatchObject({
      verdict: 'fail',
      reason: 'web2 was launched less than 30m ago',
    });
    expect((await createBallotKit([web(1), age(web(2), 1_000)]).check(check, { quiet: '1s' })).verdict).toBe(
      'pass',
    );
  });

  it('fails while another host is on its way in or out', async () => {
    for (const lifecycle of ['launching', 'removing'] as const) {
      expect((await createBallotKit([web(1), web(2), web(3, { lifecycle })]).check(check)).verdict).toBe(
        'fail',
      );
    }
  });
});

describe('an inventory that cannot be trusted (S8)', () => {
  const params: Readonly<Record<string, unknown>> = {
    MinActiveHosts: { minimum: 0 },
    MaxActiveHosts: { maximum: 100 },
    PeerCheck: { max_unhealthy_peers: 100 },
    ClusterHealth: { min_healthy_fraction: 0.01 },
    NoRecentAction: {},
  };
  const counting = BUILT_IN_PRECONDITIONS.filter((definition) => definition.name in params);

  it.each(counting.map((definition) => [definition.name, definition] as const))(
    'fails %s',
    async (name, definition) => {
      const empty = createBallotKit([]);
      expect(await empty.check(definition, params[name], web(1))).toMatchObject({
        verdict: 'fail',
        reason: expect.stringContaining('has no host in prod') as unknown,
      });

      const partial = createBallotKit();
      partial.fleet.truncate(true);
      expect(await partial.check(definition, params[name])).toMatchObject({
        verdict: 'fail',
        reason: 'the inventory of web is partial',
      });

      const lacking = createBallotKit([web(2), web(3)]);
      expect(await lacking.check(definition, params[name], web(1))).toMatchObject({
        verdict: 'fail',
        reason: 'the inventory of web lacks web1',
      });

      const broken = createBallotKit();
      broken.fleet.fail('throttled');
      expect(await broken.check(definition, params[name], web(1))).toMatchObject({
        verdict: 'fail',
        reason: expect.stringContaining('LZ_FLEET_UNAVAILABLE') as unknown,
      });
    },
  );

  it('passes over a target that the provider no longer lists because it is terminated', async () => {
    const kit = createBallotKit([web(2), web(3)]);
    const gone = web(1, { state: 'terminated' });
    expect((await kit.check(named('MinActiveHosts'), { minimum: 2 }, gone)).verdict).toBe('pass');
  });
});
