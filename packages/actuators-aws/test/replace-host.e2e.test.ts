import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAwsFleet, createHttpHealthProbe, TAGS } from '../src/index.ts';
import { actuators, call, clock, grants, signal, startRegion, until } from './region-fixture.ts';
import type { TestRegion } from './region-fixture.ts';

let region: TestRegion;

beforeAll(async () => {
  region = await startRegion({ services: [{ name: 'web', hosts: 3 }] });
});
beforeEach(() => region.faults.clear());
afterAll(() => region.close());

const idOf = (name: string): string => region.host(name).id;
const outcomeOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

/** Launches that really happened during `work`. */
async function launchesIn(work: () => Promise<unknown>): Promise<number> {
  const before = region.view().launches_by_api;
  await work();
  return region.view().launches_by_api - before;
}

describe('replacing a host', () => {
  it('goes from a dead host to its replacement in service and the dead one in forensics', async () => {
    const { hosts, loadBalancer } = actuators(region);
    const probe = createHttpHealthProbe({ zone: 'us-east-1a' });
    const fleet = createAwsFleet({ aws: region.aws, clock, cacheMs: 0 });
    const failed = idOf('web-1');
    await region.sim(`hosts/${failed}/kill`);
    const target = await fleet.find({ service: 'web', host: 'web-1' });
    expect((await probe.probe(target!, { timeoutMs: 1_000, signal })).status).toBe('unreachable');

    expect(await loadBalancer.remove({ ...call('d1', 'out'), hostId: failed })).toEqual({ groups: ['web'] });
    const { hostId, zone } = await hosts.clone({ ...call('d1', 'clone'), from: failed });
    expect(zone).toBe('us-east-1a');
    await until(
      'the clone runs',
      async () => (await hosts.describe(hostId, { signal }))?.state === 'running',
    );
    const clone = await hosts.describe(hostId, { signal });
    expect(clone?.name).toMatch(/^web-1-r[0-9a-f]{6}$/);
    expect(clone?.tags).toMatchObject({ [TAGS.launchedBy]: 'd1', [TAGS.lifecycle]: 'launching' });
    await until(
      'it is healthy',
      async () => (await probe.probe(clone!, { timeoutMs: 1_000, signal })).status === 'healthy',
    );
    expect(await loadBalancer.add({ ...call('d1', 'in'), hostId })).toEqual({ groups: ['web'] });
    await until(
      'it is in service',
      async () => (await loadBalancer.status(hostId, { signal })) === 'healthy',
    );
    const expiresAt = '2030-01-01T00:00:00.000Z';
    await hosts.setLifecycle({ ...call('d1', 'keep'), hostId: failed, lifecycle: 'forensics', expiresAt });
    await until('it has drained', async () => (await loadBalancer.status(failed, { signal })) === 'unused');

    const { hosts: now, complete } = await fleet.list('web');
    expect(complete).toBe(true);
    expect(now.find((host) => host.hostId === failed)).toMatchObject({
      lifecycle: 'forensics',
      inLoadBalancer: false,
      state: 'running',
      tags: { [TAGS.expiresAt]: expiresAt },
    });
    expect(now.find((host) => host.hostId === hostId)).toMatchObject({
      lifecycle: 'active',
      inLoadBalancer: true,
    });
    // S16: neither the failed host nor the replacement, now that it serves, is terminated.
    for (const id of [failed, hostId]) {
      const outcome = await outcomeOf(hosts.terminate({ ...call('d1', 'undo'), hostId: id }));
      expect(outcome).toMatchObject({ code: 'LZ_ACTUATOR_PROTECTED', retryable: false });
    }
  });

  it('tells a frozen host from one that answers, within its 150 ms', async () => {
    const { hosts } = actuators(region);
    const probe = createHttpHealthProbe({ zone: 'us-east-1a' });
    const host = await hosts.describe(idOf('web-2'), { signal });
    const look = () => probe.probe(host!, { timeoutMs: 150, signal });
    await region.sim('hosts/web-2/kill', { signal: 'SIGSTOP' });
    expect(await look()).toMatchObject({ status: 'unreachable', detail: 'no answer within 150 ms' });
    await region.sim('hosts/web-2/kill', { signal: 'SIGCONT' });
    await region.sim('hosts/web-2/unhealthy', { reason: 'disk full' });
    await until('it answers that it is ill', async () => (await look()).status === 'unhealthy');
    await region.sim('hosts/web-2/healthy');
    await until('it is well', async () => (await look()).status === 'healthy');
  });
});

describe('launching (S1)', () => {
  it('makes 1 instance when the reply is lost and the SDK asks again', async () => {
    region.faults.add({ action: 'RunInstances', drop_reply: true });
    const { hosts } = actuators(region);
    const launches = await launchesIn(() =>
      hosts.clone({ ...call('d1', 'lost-reply'), from: idOf('web-2') }),
    );
    expect(launches).toBe(1);
  });

  it('makes 1 instance when every reply is lost and another node finishes', async () => {
    region.faults.add({ action: 'RunInstances', times: 'always', drop_reply: true });
    const order = { ...call('d1', 'lost-replies'), from: idOf('web-2') };
    const launches = await launchesIn(async () => {
      const outcome = await outcomeOf(actuators(region).hosts.clone(order));
      expect(outcome).toMatchObject({ code: 'LZ_ACTUATOR_TRANSIENT', retryable: true });
      region.faults.clear();
      const other = actuators(region).hosts;
      const { hostId } = await other.clone(order);
      expect(await other.findClone({ ...order })).toBe(hostId);
    });
    expect(launches).toBe(1);
  });

  it('makes 1 instance for 6 nodes at once', async () => {
    const order = { ...call('d1', 'six-nodes'), from: idOf('web-2') };
    const launches = await launchesIn(async () => {
      const all = await Promise.all(Array.from({ length: 6 }, () => actuators(region).hosts.clone(order)));
      expect(new Set(all.map(({ hostId }) => hostId)).size).toBe(1);
    });
    expect(launches).toBe(1);
  });

  it('makes 1 instance when the launch is not described yet', async () => {
    const order = { ...call('d1', 'lag'), from: idOf('web-2') };
    // The source itself must be older than the lag of the descriptions.
    await new Promise((resolve) => setTimeout(resolve, 3_100));
    const launches = await launchesIn(async () => {
      const { hostId } = await actuators(region).hosts.clone(order);
      region.faults.add({ action: 'DescribeInstances', times: 'always', describe_lag_ms: 3_000 });
      const other = actuators(region).hosts;
      expect(await other.describe(hostId, { signal })).toBeUndefined();
      expect(await other.findClone(order)).toBeUndefined();
      expect((await other.clone(order)).hostId).toBe(hostId);
    });
    expect(launches).toBe(1);
  });

  it('makes 1 instance when one node finds the zone full and another does not', async () => {
    const order = { ...call('d1', 'two-zones'), from: idOf('web-2') };
    const launches = await launchesIn(async () => {
      const error = { code: 'InsufficientInstanceCapacity', status: 500 };
      region.faults.add({ action: 'RunInstances', times: 2, error });
      const first = await actuators(region).hosts.clone(order);
      expect(first.zone).not.toBe('us-east-1b');
      region.faults.add({ action: 'DescribeInstances', times: 'always', describe_lag_ms: 3_000, on_call: 2 });
      const second = await outcomeOf(actuators(region).hosts.clone(order));
      expect(second).toMatchObject({ code: 'LZ_ACTUATOR_TRANSIENT', retryable: true });
      region.faults.clear();
      expect((await actuators(region).hosts.clone(order)).hostId).toBe(first.hostId);
    });
    expect(launches).toBe(1);
  });

  it('S5: tells the budget when the zone of the host was full and the clone is in another one, and only then', async () => {
    const told: string[] = [];
    const budgets = {
      ...grants('d1'),
      alsoIn: async (...where: string[]) => void told.push(where.join(' in ')),
    };
    const { hosts } = actuators(region, { budgets });
    await hosts.clone({ ...call('d1', 'own-zone'), from: idOf('web-2') });
    expect(told).toEqual([]);
    const error = { code: 'InsufficientInstanceCapacity', status: 500 };
    region.faults.add({ action: 'RunInstances', times: 2, error });
    const { zone } = await hosts.clone({ ...call('d1', 'full-zone'), from: idOf('web-2') });
    expect(zone).not.toBe('us-east-1b');
    expect(told).toEqual([`d1 in ${zone}`]);
  });

  it('refuses the key of one host for the clone of another', async () => {
    const { hosts } = actuators(region);
    await hosts.clone({ ...call('d1', 'one-key'), from: idOf('web-2') });
    const launches = await launchesIn(async () => {
      const outcome = await outcomeOf(hosts.clone({ ...call('d1', 'one-key'), from: idOf('web-3') }));
      expect(outcome).toMatchObject({ code: 'LZ_ACTUATOR_REFUSED', retryable: false });
    });
    expect(launches).toBe(0);
  });

  it('gives up when the source changed under a launch that cannot be seen: never a 2nd instance', async () => {
    const order = { ...call('d1', 'mismatch'), from: idOf('web-2') };
    await actuators(region).hosts.clone(order);
    await region.tag(idOf('web-2'), { color: 'green' });
    const launches = await launchesIn(async () => {
      region.faults.add({ action: 'DescribeInstances', times: 'always', describe_lag_ms: 2_000, on_call: 2 });
      const outcome = await outcomeOf(actuators(region).hosts.clone(order));
      expect(outcome).toMatchObject({ details: { provider_code: 'IdempotentParameterMismatch' } });
    });
    expect(launches).toBe(0);
  });

  it('does not launch again what was terminated since', async () => {
    const { hosts } = actuators(region);
    const order = { ...call('d1', 'gone'), from: idOf('web-2') };
    const { hostId } = await hosts.clone(order);
    await region.terminate(hostId);
    const launches = await launchesIn(async () => {
      expect(await outcomeOf(hosts.clone(order))).toMatchObject({ code: 'LZ_ACTUATOR_REFUSED' });
    });
    expect(launches).toBe(0);
  });

  it.each(['', 'k'.repeat(65), 'schlüssel', 'two words'])('refuses %j as a key', async (key) => {
    const outcome = await outcomeOf(
      actuators(region).hosts.clone({ ...call('d1', key), from: idOf('web-2') }),
    );
    expect(outcome).toMatchObject({ code: 'LZ_ACTUATOR_REFUSED', retryable: false });
  });
});

describe('load balancer', () => {
  it('takes a target with a port of its own out by that port', async () => {
    const hostId = await region.launch({ service: 'web', name: 'web-port' });
    await region.putIntoLoadBalancer(hostId, 9_999);
    await actuators(region).loadBalancer.remove({ ...call('d1'), hostId });
    const reply = await fetch(`${region.endpoint}/_sim/calls`);
    const { calls } = (await reply.json()) as { calls: { action: string; parameters: object }[] };
    expect(calls.findLast(({ action }) => action === 'DeregisterTargets')?.parameters).toMatchObject({
      'Targets.member.1.Id': hostId,
      'Targets.member.1.Port': '9999',
    });
  });
});

describe('errors of the provider', () => {
  it.each([
    ['RequestLimitExceeded', 503, true],
    ['InternalError', 500, true],
    ['Unavailable', 503, true],
    ['IncorrectInstanceState', 400, true],
    ['InstanceLimitExceeded', 400, false],
    ['VcpuLimitExceeded', 400, false],
    ['InsufficientInstanceCapacity', 500, false],
    ['UnauthorizedOperation', 403, false],
    ['OperationNotPermitted', 400, false],
    ['InvalidParameterValue', 400, false],
  ])('%s (%i) at a launch: retryable %s', async (code, status, retryable) => {
    region.faults.add({ action: 'RunInstances', times: 'always', error: { code, status } });
    const order = { ...call('d1', `error-${code}`), from: idOf('web-2') };
    const launches = await launchesIn(async () => {
      expect(await outcomeOf(actuators(region).hosts.clone(order))).toMatchObject({
        code: retryable ? 'LZ_ACTUATOR_TRANSIENT' : 'LZ_ACTUATOR_REFUSED',
        retryable,
        details: { provider_code: code },
      });
    });
    expect(launches).toBe(0);
  });

  it('a load balancer that is gone is refused for good, one that is busy is not', async () => {
    const order = { ...call('d1'), hostId: idOf('web-2') };
    for (const [code, status, retryable] of [
      ['TargetGroupNotFound', 400, false],
      ['TooManyTargets', 400, false],
      ['Throttling', 400, true],
    ] as const) {
      region.faults.clear();
      region.faults.add({ action: 'DeregisterTargets', times: 'always', error: { code, status } });
      expect(await outcomeOf(actuators(region).loadBalancer.remove(order))).toMatchObject({ retryable });
    }
  });

  it('a host that is not running yet may be put into the load balancer later', async () => {
    region.faults.add({ action: 'RunInstances', stuck_pending: true });
    const { hosts, loadBalancer } = actuators(region);
    const { hostId } = await hosts.clone({ ...call('d1', 'stuck'), from: idOf('web-2') });
    expect(await outcomeOf(loadBalancer.add({ ...call('d1'), hostId }))).toMatchObject({ retryable: true });
    await hosts.terminate({ ...call('d1', 'undo'), hostId });
  });

  it('a provider that cannot be reached may be reached later', async () => {
    const aws = { endpoint: 'http://127.0.0.1:9' };
    const fleet = createAwsFleet({ aws: region.connect(aws), clock });
    await expect(fleet.list('web')).rejects.toMatchObject({ code: 'LZ_FLEET_UNAVAILABLE', retryable: true });
  });
});

describe('ending hosts (S6, S16)', () => {
  it('does not take a launch that is not described yet for one that is gone', async () => {
    const { hosts } = actuators(region);
    const { hostId } = await hosts.clone({ ...call('d1', 'unseen'), from: idOf('web-2') });
    region.faults.add({ action: 'DescribeInstances', times: 'always', describe_lag_ms: 3_000 });
    const undo = { ...call('d1', 'undo'), hostId };
    expect(await outcomeOf(hosts.terminate(undo))).toMatchObject({
      code: 'LZ_ACTUATOR_TRANSIENT',
      retryable: true,
    });
    region.faults.clear();
    await hosts.terminate(undo);
    await until('it is gone', () => region.host(hostId).state === 'terminated');
  });

  it('does not end its own launch once the reservation is settled', async () => {
    const { hostId } = await actuators(region).hosts.clone({ ...call('d1', 'settled'), from: idOf('web-2') });
    const later = actuators(region, { budgets: grants() }).hosts;
    expect(await outcomeOf(later.terminate({ ...call('d1', 'undo'), hostId }))).toMatchObject({
      code: 'LZ_BUDGET_REFUSED',
    });
    expect(region.host(hostId).state).not.toBe('terminated');
  });

  it('changes nothing when the budget cannot be read', async () => {
    const unreadable = {
      holds: async () => {
        throw new Error('the store is away');
      },
    };
    const { hosts, loadBalancer } = actuators(region, { budgets: unreadable });
    const before = region.living();
    await expect(hosts.clone({ ...call('d1', 'unread'), from: idOf('web-2') })).rejects.toThrow(
      'the store is away',
    );
    await expect(loadBalancer.remove({ ...call('d1'), hostId: idOf('web-2') })).rejects.toThrow(
      'the store is away',
    );
    expect(region.living()).toEqual(before);
  });

  it('leaves alone the hosts on which Lazarus itself runs', async () => {
    const hostId = idOf('web-2');
    const { hosts, loadBalancer } = actuators(region, { protectedHosts: [hostId] });
    for (const outcome of [
      await outcomeOf(hosts.clone({ ...call('d1', 'own'), from: hostId })),
      await outcomeOf(hosts.reboot({ ...call('d1'), hostId })),
      await outcomeOf(loadBalancer.remove({ ...call('d1'), hostId })),
    ]) {
      expect(outcome).toMatchObject({ code: 'LZ_ACTUATOR_PROTECTED', retryable: false });
    }
  });

  it('reboots once for one key', async () => {
    const { hosts } = actuators(region);
    const before = region.callsOf('RebootInstances');
    for (let n = 0; n < 3; n += 1) await hosts.reboot({ ...call('d1', 'reboot'), hostId: idOf('web-3') });
    expect(region.callsOf('RebootInstances')).toBe(before + 1);
  });
});
