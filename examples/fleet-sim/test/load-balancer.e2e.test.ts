import { request } from 'node:http';
import {
  DeregisterTargetsCommand,
  DescribeTagsCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { RunInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instanceNamed, testRegion, until } from './region-fixture.ts';
import type { TestRegion } from './region-fixture.ts';

let region: TestRegion;
let arn: string;
beforeAll(async () => {
  region = await testRegion({
    services: [
      { name: 'web', hosts: 3 },
      { name: 'api', hosts: 1 },
    ],
  });
  const groups = await region.elb.send(new DescribeTargetGroupsCommand({ Names: ['web'] }));
  arn = groups.TargetGroups![0]!.TargetGroupArn!;
});
afterAll(() => region.close());

const idOf = (name: string): string => instanceNamed(region.view(), name).id;
const target = (name: string) => ({ TargetGroupArn: arn, Targets: [{ Id: idOf(name) }] });

async function healthOf(name: string) {
  const reply = await region.elb.send(new DescribeTargetHealthCommand(target(name)));
  return reply.TargetHealthDescriptions![0]!.TargetHealth!;
}

/** Ids of the hosts that answered `count` requests through the load balancer; a status other than 200 as it is. */
async function answers(count: number): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let number = 0; number < count; number += 1) {
    const reply = await fetch(region.loadBalancers['web']!);
    await reply.arrayBuffer();
    seen.add(reply.ok ? (reply.headers.get('x-served-by') ?? '') : String(reply.status));
  }
  return seen;
}

/** Status of one request on a connection of its own. */
function statusOf(url: string): Promise<number | string> {
  return new Promise((resolve) => {
    request(url, { agent: false }, (reply) => {
      reply.resume();
      reply.on('end', () => resolve(reply.statusCode ?? 0));
    })
      .on('error', (error) => resolve(error.message))
      .end();
  });
}

describe('target groups', () => {
  it('are found by name and by ARN, with their tags', async () => {
    const all = await region.elb.send(new DescribeTargetGroupsCommand({}));
    expect(all.TargetGroups!.map(({ TargetGroupName }) => TargetGroupName)).toEqual(['web', 'api']);
    const one = await region.elb.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [arn] }));
    expect(one.TargetGroups).toMatchObject([
      { TargetType: 'instance', HealthCheckPath: '/health', Matcher: { HttpCode: '200' } },
    ]);
    const tags = await region.elb.send(new DescribeTagsCommand({ ResourceArns: [arn] }));
    expect(tags.TagDescriptions![0]!.Tags).toContainEqual({ Key: 'service', Value: 'web' });
  });

  it('that do not exist are refused as TargetGroupNotFoundException', async () => {
    const refusal = { name: 'TargetGroupNotFoundException' };
    await expect(region.elb.send(new DescribeTargetGroupsCommand({ Names: ['none'] }))).rejects.toMatchObject(
      refusal,
    );
    const unknown = { TargetGroupArn: `${arn}0` };
    await expect(region.elb.send(new DescribeTargetHealthCommand(unknown))).rejects.toMatchObject(refusal);
  });

  it('refuse a target that does not run as InvalidTargetException', async () => {
    const stranger = { TargetGroupArn: arn, Targets: [{ Id: 'i-0123456789abcdef0' }] };
    await expect(region.elb.send(new RegisterTargetsCommand(stranger))).rejects.toMatchObject({
      name: 'InvalidTargetException',
    });
  });
});

describe('the load balancer', () => {
  it('spreads requests over all registered healthy hosts', async () => {
    expect(await answers(6)).toEqual(new Set(['web-1', 'web-2', 'web-3'].map(idOf)));
  });

  it('sends nothing to a deregistered host from the next request on, and lets a request under way end', async () => {
    const slow = [1, 2, 3].map(() => statusOf(`${region.loadBalancers['web']!}/work?ms=250`));
    await new Promise((resolve) => setTimeout(resolve, 80));
    await region.elb.send(new DeregisterTargetsCommand(target('web-1')));
    expect(await healthOf('web-1')).toMatchObject({
      State: 'draining',
      Reason: 'Target.DeregistrationInProgress',
    });
    expect(await answers(6)).toEqual(new Set(['web-2', 'web-3'].map(idOf)));
    expect(await Promise.all(slow)).toEqual([200, 200, 200]);
    await until('drained', async () => (await healthOf('web-1')).State === 'unused');
    expect(await healthOf('web-1')).toMatchObject({ Reason: 'Target.NotRegistered' });

    await region.elb.send(new RegisterTargetsCommand(target('web-1')));
    await until('back in traffic', async () => (await healthOf('web-1')).State === 'healthy');
    expect(await answers(6)).toContain(idOf('web-1'));
  });

  it('takes a killed host out after 2 failed checks, and then no request fails', async () => {
    await region.sim('hosts/web-2/kill', { signal: 'SIGKILL' });
    await until('out of traffic', async () => (await healthOf('web-2')).State === 'unhealthy');
    expect(await healthOf('web-2')).toMatchObject({ Reason: 'Target.FailedHealthChecks' });
    expect(await answers(9)).toEqual(new Set(['web-1', 'web-3'].map(idOf)));
  });

  it('takes a host in that was launched and registered, and drops it when it is terminated', async () => {
    const reply = await region.ec2.send(
      new RunInstancesCommand({
        MinCount: 1,
        MaxCount: 1,
        LaunchTemplate: { LaunchTemplateName: 'web' },
        TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'Name', Value: 'web-9' }] }],
      }),
    );
    const id = reply.Instances![0]!.InstanceId!;
    await until('running', () => instanceNamed(region.view(), 'web-9').state === 'running');
    await region.elb.send(new RegisterTargetsCommand(target('web-9')));
    await until('healthy', async () => (await healthOf('web-9')).State === 'healthy');
    expect(await answers(9)).toContain(id);
    await region.elb.send(new DeregisterTargetsCommand(target('web-9')));
    await region.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    const listed = () => region.view().target_groups[0]!.targets.some((each) => each.id === id);
    await until('no longer listed', () => !listed());
    expect([...(await answers(6))]).not.toContain('502');
  });

  it('shows a host that answers 503 as unhealthy with the code', async () => {
    await region.sim('hosts/web-3/unhealthy', { reason: 'disk full' });
    await until('unhealthy', async () => (await healthOf('web-3')).State === 'unhealthy');
    expect(await healthOf('web-3')).toMatchObject({
      Reason: 'Target.ResponseCodeMismatch',
      Description: 'Health checks failed with these codes: [503]',
    });
    await region.sim('hosts/web-3/healthy', {});
    await until('healthy', async () => (await healthOf('web-3')).State === 'healthy');
  });

  it('fails open when the shared dependency breaks, which turns every host of both services unhealthy', async () => {
    await region.sim('dependency', { healthy: false });
    const states = () =>
      region.view().target_groups.flatMap(({ targets }) => targets.map(({ state }) => state));
    await until('all unhealthy', () => states().every((state) => state === 'unhealthy'));
    const health = await fetch(instanceNamed(region.view(), 'api-1').health_url!);
    expect(await health.json()).toMatchObject({ status: 'unhealthy', failing: ['shared-dependency'] });
    expect(await answers(6)).toContain(idOf('web-1'));
    await region.sim('dependency', { healthy: true });
    await until('healthy', async () => (await healthOf('web-1')).State === 'healthy');
  });

  it('answers 503 when no target is registered', async () => {
    const ids = ['web-1', 'web-2', 'web-3'].map((name) => ({ Id: idOf(name) }));
    await region.elb.send(new DeregisterTargetsCommand({ TargetGroupArn: arn, Targets: ids }));
    expect(await answers(2)).toEqual(new Set(['503']));
  });
});
