import { DescribeInstancesCommand, RunInstancesCommand } from '@aws-sdk/client-ec2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { countCall, faultOrder } from '../src/faults/fault.ts';
import type { Fault } from '../src/faults/fault.ts';
import { testRegion, until } from './region-fixture.ts';
import type { TestRegion } from './region-fixture.ts';

const faultOf = (order: unknown): Fault => ({ id: 1, order: faultOrder.parse(order), seen: 0 });

describe('a fault', () => {
  it('with on_call 2 and times 2 hits calls 2 and 3 of its action and no other', () => {
    let faults = [faultOf({ action: 'RunInstances', on_call: 2, times: 2, delay_ms: 5 })];
    const hits = ['RunInstances', 'StopInstances', 'RunInstances', 'RunInstances', 'RunInstances'].map(
      (action) => {
        const counted = countCall(faults, action);
        faults = counted.faults;
        return counted.effects.delay_ms;
      },
    );
    expect(hits).toEqual([undefined, undefined, 5, 5, undefined]);
  });

  it('on every action joins its effects with those of another fault', () => {
    const faults = [
      faultOf({ action: '*', times: 'always', delay_ms: 1 }),
      faultOf({ action: 'X', drop_reply: true }),
    ];
    expect(countCall(faults, 'X').effects).toEqual({ delay_ms: 1, drop_reply: true });
  });
});

describe('injected faults', () => {
  let region: TestRegion;
  beforeAll(async () => {
    region = await testRegion({ services: [{ name: 'web', hosts: 1 }] });
  });
  afterEach(() => region.sim('faults', undefined, 'DELETE'));
  afterAll(() => region.close());

  const run = () =>
    region.ec2.send(
      new RunInstancesCommand({ MinCount: 1, MaxCount: 1, LaunchTemplate: { LaunchTemplateName: 'web' } }),
    );
  const stateOf = (id: string) => region.view().instances.find((instance) => instance.id === id)!;

  it('of status 500 are tried 3 times by the SDK and launch nothing', async () => {
    const { launches, calls } = region.view();
    const error = { code: 'InsufficientInstanceCapacity', status: 500 };
    await region.sim('faults', { action: 'RunInstances', times: 'always', error });
    await expect(run()).rejects.toMatchObject({
      name: 'InsufficientInstanceCapacity',
      $metadata: { attempts: 3 },
    });
    expect(region.view().launches).toBe(launches);
    expect(region.view().calls['RunInstances']).toBe((calls['RunInstances'] ?? 0) + 3);
  });

  it('keep an instance pending for good', async () => {
    await region.sim('faults', { action: 'RunInstances', stuck_pending: true });
    const id = (await run()).Instances![0]!.InstanceId!;
    const other = (await run()).Instances![0]!.InstanceId!;
    await until('the other one runs', () => stateOf(other).state === 'running');
    expect(stateOf(id)).toMatchObject({ state: 'pending', pid: undefined });
  });

  it('boot an unhealthy host', async () => {
    await region.sim('faults', { action: 'RunInstances', boots_unhealthy: true });
    const id = (await run()).Instances![0]!.InstanceId!;
    await until('running', () => stateOf(id).state === 'running');
    const reply = await fetch(stateOf(id).health_url!);
    expect(reply.status).toBe(503);
    expect(await reply.json()).toMatchObject({ status: 'unhealthy', failing: ['application'] });
  });

  it('show the region as it was 60 s ago', async () => {
    const id = (await run()).Instances![0]!.InstanceId!;
    await region.sim('faults', { action: 'DescribeInstances', describe_lag_ms: 60_000 });
    const describeIt = () => region.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
    await expect(describeIt()).rejects.toMatchObject({ name: 'InvalidInstanceID.NotFound' });
    expect((await describeIt()).Reservations).toHaveLength(1);
  });

  it('delay a call and appear in the call log', async () => {
    await region.sim('faults', { action: 'DescribeInstances', delay_ms: 200 });
    const startedMs = Date.now();
    await region.ec2.send(new DescribeInstancesCommand({}));
    expect(Date.now() - startedMs).toBeGreaterThanOrEqual(199);
    const log = (await (await region.sim('calls')).json()) as {
      calls: { action: string; faults: string[] }[];
    };
    expect(log.calls.at(-1)).toMatchObject({
      action: 'DescribeInstances',
      faults: ['delay_ms'],
      status: 200,
    });
  });

  it('that are malformed are refused with 400 and the reason', async () => {
    const reply = await region.sim('faults', { action: 'RunInstances', on_cal: 2, delay_ms: 1 });
    expect(reply.status).toBe(400);
    expect(await reply.text()).toContain('on_cal');
    expect((await region.sim('faults', { action: 'RunInstances' })).status).toBe(400);
  });
});
