import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAwsFleet } from '../src/index.ts';
import { clock, startRegion } from './region-fixture.ts';
import type { TestRegion } from './region-fixture.ts';

let region: TestRegion;

beforeAll(async () => {
  region = await startRegion({
    services: [
      { name: 'web', hosts: 3 },
      { name: 'api', hosts: 1 },
      { name: 'batch', hosts: 0 },
    ],
  });
});
beforeEach(() => region.faults.clear());
afterAll(() => region.close());

const fleetOf = (options: object = {}) =>
  createAwsFleet({ aws: region.connect(), clock, cacheMs: 0, ...options });

describe('fleet on EC2 and ELBv2', () => {
  it('reads everything about a host from the provider', async () => {
    const { id, launched_at } = region.host('web-1');
    expect(await fleetOf().find({ service: 'web', host: 'web-1' })).toMatchObject({
      hostId: id,
      name: 'web-1',
      incarnation: {
        account: '123456789012',
        region: 'us-east-1',
        instanceId: id,
        launchedAtMs: Date.parse(launched_at),
      },
      service: 'web',
      environment: 'stage',
      zone: 'us-east-1a',
      state: 'running',
      lifecycle: 'active',
      inLoadBalancer: true,
      healthUrl: region.host('web-1').health_url,
      managed: true,
      isProtected: false,
    });
  });

  it('reads a listing of 3 pages to its end, and a part of it is never complete', async () => {
    // Instances that never boot cost no processes.
    region.faults.add({ action: 'RunInstances', stuck_pending: true });
    await region.aws.ec2(undefined, ({ sdk, client }) =>
      client.send(
        new sdk.RunInstancesCommand({
          MinCount: 11,
          MaxCount: 11,
          LaunchTemplate: { LaunchTemplateName: 'batch' },
        }),
      ),
    );
    const before = region.callsOf('DescribeInstances');
    const { hosts, complete } = await fleetOf({ pageSize: 5 }).list('batch');
    expect(region.callsOf('DescribeInstances')).toBe(before + 3);
    expect([new Set(hosts.map(({ hostId }) => hostId)).size, complete]).toEqual([11, true]);

    const error = { code: 'InternalError', status: 500 };
    region.faults.add({ action: 'DescribeInstances', on_call: 2, times: 'always', error });
    expect(await fleetOf({ pageSize: 5 }).list('batch')).toMatchObject({ complete: false });
  });

  it('takes the lifecycle from the tag, and an unknown word for out of service', async () => {
    const { id } = region.host('web-2');
    const lifecycles: unknown[] = [];
    for (const state of ['forensics', 'removing', 'active', 'something-else', '']) {
      await region.tag(id, { 'lazarus:state': state });
      lifecycles.push((await fleetOf().find({ service: 'web', host: id }))?.lifecycle);
    }
    expect(lifecycles).toEqual(['forensics', 'removing', 'active', 'removing', 'active']);
  });

  it('counts a launching host as active once it is in the load balancer', async () => {
    const id = await region.launch({ service: 'api', name: 'api-new' });
    await region.tag(id, { 'lazarus:state': 'launching' });
    const read = () => fleetOf().find({ service: 'api', host: id });
    expect(await read()).toMatchObject({ lifecycle: 'launching', inLoadBalancer: false });
    await region.tag(region.host('web-3').id, { 'lazarus:state': 'launching' });
    expect(await fleetOf().find({ service: 'web', host: 'web-3' })).toMatchObject({
      lifecycle: 'active',
      inLoadBalancer: true,
    });
    await region.tag(region.host('web-3').id, { 'lazarus:state': '' });
  });

  it.each([
    ['InternalError', 500, true],
    ['RequestLimitExceeded', 503, true],
    ['UnauthorizedOperation', 403, false],
  ])(
    'fails with LZ_FLEET_UNAVAILABLE when EC2 answers %s (%i), retryable %s',
    async (code, status, retryable) => {
      region.faults.add({ action: 'DescribeInstances', times: 'always', error: { code, status } });
      await expect(fleetOf().list('web')).rejects.toMatchObject({ code: 'LZ_FLEET_UNAVAILABLE', retryable });
      await expect(fleetOf().find({ service: 'web', host: 'web-1' })).rejects.toMatchObject({ retryable });
    },
  );

  it('S8: a listing without the word of the load balancer is never complete', async () => {
    region.faults.add({
      action: 'DescribeTargetHealth',
      times: 'always',
      error: { code: 'InternalFailure', status: 500 },
    });
    expect((await fleetOf().list('web')).complete).toBe(false);
  });

  it('S8: a listing that silently lost 2 of 3 hosts is not complete until they are back', async () => {
    const fleet = fleetOf();
    expect((await fleet.list('web')).complete).toBe(true);
    const hidden = ['web-2', 'web-3'].map((name) => region.host(name).id);
    for (const id of hidden) await region.tag(id, { service: 'elsewhere' });
    expect(await fleet.list('web')).toMatchObject({ complete: false, hosts: [{ name: 'web-1' }] });
    await expect(fleet.find({ service: 'web', host: 'web-2' })).rejects.toMatchObject({
      code: 'LZ_FLEET_UNAVAILABLE',
    });
    expect(await fleet.find({ service: 'web', host: region.host('web-1').id })).toMatchObject({
      name: 'web-1',
    });
    for (const id of hidden) await region.tag(id, { service: 'web' });
    expect((await fleet.list('web')).complete).toBe(true);
  });

  it('serves 20 callers at once with one call, and lets each give up alone', async () => {
    const fleet = fleetOf({ cacheMs: 1_000 });
    region.faults.add({ action: 'DescribeInstances', delay_ms: 100 });
    const before = region.callsOf('DescribeInstances');
    const controller = new AbortController();
    const callers = Array.from({ length: 20 }, () => fleet.list('web'));
    const impatient = fleet.list('web', { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(impatient).rejects.toThrow('enough');
    expect(new Set((await Promise.all(callers)).map(({ hosts }) => hosts.length))).toEqual(new Set([3]));
    expect(region.callsOf('DescribeInstances')).toBe(before + 1);
  });

  it('does not keep a failure for the next caller', async () => {
    const fleet = fleetOf({ cacheMs: 60_000 });
    region.faults.add({
      action: 'DescribeInstances',
      times: 'always',
      error: { code: 'InternalError', status: 500 },
    });
    await expect(fleet.list('web')).rejects.toMatchObject({ code: 'LZ_FLEET_UNAVAILABLE' });
    region.faults.clear();
    expect((await fleet.list('web')).hosts).toHaveLength(3);
  });

  it('gives up on a provider that hangs, after the 200 ms that it may take', async () => {
    region.faults.add({ action: 'DescribeInstances', times: 'always', delay_ms: 3_000 });
    const fleet = createAwsFleet({ aws: region.connect({ requestTimeoutMs: 200 }), clock });
    await expect(fleet.list('web')).rejects.toMatchObject({ code: 'LZ_FLEET_UNAVAILABLE', retryable: true });
  });
});
