import {
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeInstancesCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstanceStatusCommand,
  DescribeLaunchTemplateVersionsCommand,
  EC2Client,
  ModifyInstanceAttributeCommand,
  paginateDescribeInstances,
  RebootInstancesCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
  waitUntilInstanceRunning,
  waitUntilInstanceTerminated,
} from '@aws-sdk/client-ec2';
import type { RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instanceNamed, testRegion, until } from './region-fixture.ts';
import type { TestRegion } from './region-fixture.ts';

let region: TestRegion;
beforeAll(async () => {
  region = await testRegion();
});
afterAll(() => region.close());

const launch = (changes: Partial<RunInstancesCommandInput> = {}): RunInstancesCommandInput => ({
  MinCount: 1,
  MaxCount: 1,
  LaunchTemplate: { LaunchTemplateName: 'web', Version: '$Default' },
  ...changes,
});

async function runOne(changes: Partial<RunInstancesCommandInput> = {}): Promise<string> {
  const reply = await region.ec2.send(new RunInstancesCommand(launch(changes)));
  return reply.Instances![0]!.InstanceId!;
}

const waiter = () => ({ client: region.ec2, maxWaitTime: 15, minDelay: 1, maxDelay: 1 });

async function find(filters: Record<string, string[]>): Promise<string[]> {
  const reply = await region.ec2.send(
    new DescribeInstancesCommand({
      Filters: Object.entries(filters).map(([Name, Values]) => ({ Name, Values })),
    }),
  );
  return reply.Reservations!.flatMap((reservation) =>
    reservation.Instances!.map(({ InstanceId }) => InstanceId!),
  );
}

async function only(id: string) {
  const reply = await region.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  return reply.Reservations![0]!.Instances![0]!;
}

describe('the life of an instance', () => {
  it('goes from pending to running to terminated with a real process behind it', async () => {
    const reply = await region.ec2.send(
      new RunInstancesCommand(
        launch({
          ClientToken: 'life-1',
          Placement: { AvailabilityZone: 'us-east-1c' },
          TagSpecifications: [
            { ResourceType: 'instance', Tags: [{ Key: 'Name', Value: 'web <3 & "quotes"' }] },
          ],
        }),
      ),
    );
    const id = reply.Instances![0]!.InstanceId!;
    expect(reply.Instances![0]!.State).toEqual({ Code: 0, Name: 'pending' });
    await waitUntilInstanceRunning(waiter(), { InstanceIds: [id] });

    const running = await only(id);
    const tags = Object.fromEntries(running.Tags!.map(({ Key, Value }) => [Key!, Value!]));
    expect(running.Placement?.AvailabilityZone).toBe('us-east-1c');
    expect(running.PrivateIpAddress).toBe('127.0.0.1');
    expect(running.LaunchTime).toBeInstanceOf(Date);
    expect(running.ClientToken).toBe('life-1');
    expect(tags).toMatchObject({
      Name: 'web <3 & "quotes"',
      service: 'web',
      environment: 'stage',
      'lazarus:managed': 'true',
      'aws:ec2launchtemplate:version': '1',
    });
    const health = await fetch(tags['lazarus:health-url']!);
    expect(health.status).toBe(200);
    expect(await health.json()).toMatchObject({ status: 'healthy', instance_id: id, failing: [] });

    const ended = await region.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    expect(ended.TerminatingInstances![0]).toMatchObject({
      PreviousState: { Name: 'running' },
      CurrentState: { Name: 'shutting-down' },
    });
    await waitUntilInstanceTerminated(waiter(), { InstanceIds: [id] });
    await expect(fetch(tags['lazarus:health-url']!)).rejects.toThrow();
    // Terminating again is no error.
    await region.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  });

  it('stops, starts again at the same address, and reboots a dead host', async () => {
    const id = await runOne();
    await until('running', async () => (await only(id)).State?.Name === 'running');
    const before = region.view().instances.find((each) => each.id === id)!;

    await region.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
    await until('stopped', async () => (await only(id)).State?.Name === 'stopped');
    await expect(fetch(before.health_url!)).rejects.toThrow();
    await region.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
    await until('running again', async () => (await only(id)).State?.Name === 'running');

    await region.sim(`hosts/${id}/kill`, {});
    await expect(fetch(before.health_url!)).rejects.toThrow();
    expect((await only(id)).State?.Name).toBe('running');
    const impaired = await region.ec2.send(new DescribeInstanceStatusCommand({ InstanceIds: [id] }));
    expect(impaired.InstanceStatuses![0]!.InstanceStatus!.Status).toBe('impaired');

    await region.ec2.send(new RebootInstancesCommand({ InstanceIds: [id] }));
    await until('healthy after the reboot', () =>
      fetch(before.health_url!).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    await region.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  });

  it('keeps a protected instance until the protection is lifted', async () => {
    const id = await runOne();
    const protect = (Value: boolean) =>
      region.ec2.send(
        new ModifyInstanceAttributeCommand({ InstanceId: id, DisableApiTermination: { Value } }),
      );
    await protect(true);
    const shown = await region.ec2.send(
      new DescribeInstanceAttributeCommand({ InstanceId: id, Attribute: 'disableApiTermination' }),
    );
    expect(shown.DisableApiTermination).toEqual({ Value: true });
    await expect(region.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))).rejects.toMatchObject(
      {
        name: 'OperationNotPermitted',
      },
    );
    await protect(false);
    await region.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: id, Groups: ['sg-0quarantine'] }));
    expect((await only(id)).SecurityGroups).toMatchObject([{ GroupId: 'sg-0quarantine' }]);
    await region.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  });
});

describe('RunInstances with a client token', () => {
  it('gives the same instance for the same request and launches once', async () => {
    const launches = region.view().launches;
    const first = await runOne({ ClientToken: 'token-1' });
    expect(await runOne({ ClientToken: 'token-1' })).toBe(first);
    expect(region.view().launches).toBe(launches + 1);
    expect(await find({ 'client-token': ['token-1'] })).toEqual([first]);
  });

  it('launches once when the reply is lost and the SDK sends the request again', async () => {
    const launches = region.view().launches;
    await region.sim('faults', { action: 'RunInstances', drop_reply: true });
    const id = await runOne();
    expect(region.view().launches).toBe(launches + 1);
    expect(await find({ 'instance-id': [id] })).toEqual([id]);
  });

  it('refuses the token with other parameters', async () => {
    await runOne({ ClientToken: 'token-2' });
    await expect(runOne({ ClientToken: 'token-2', InstanceType: 't3.large' })).rejects.toMatchObject({
      name: 'IdempotentParameterMismatch',
      $metadata: { httpStatusCode: 400 },
    });
  });

  it('refuses the token once its instance is terminated', async () => {
    const id = await runOne({ ClientToken: 'token-3' });
    await region.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    await until('terminated', async () => (await only(id)).State?.Name === 'terminated');
    await expect(runOne({ ClientToken: 'token-3' })).rejects.toMatchObject({
      name: 'IdempotentInstanceTerminated',
    });
  });
});

describe('RunInstances without a template', () => {
  it('launches from explicit parameters cloned from a running host', async () => {
    const model = await only(instanceNamed(region.view(), 'web-1').id);
    const reply = await region.ec2.send(
      new RunInstancesCommand({
        MinCount: 1,
        MaxCount: 2,
        ImageId: model.ImageId!,
        InstanceType: model.InstanceType!,
        SubnetId: model.SubnetId!,
        SecurityGroupIds: model.SecurityGroups!.map(({ GroupId }) => GroupId!),
        IamInstanceProfile: { Arn: model.IamInstanceProfile!.Arn! },
        UserData: 'aGVsbG8=',
      }),
    );
    expect(reply.Instances).toHaveLength(2);
    expect(reply.Instances![1]).toMatchObject({
      ImageId: model.ImageId,
      SubnetId: model.SubnetId,
      AmiLaunchIndex: 1,
      Placement: { AvailabilityZone: model.Placement!.AvailabilityZone },
      IamInstanceProfile: { Arn: model.IamInstanceProfile!.Arn },
    });
    const ids = reply.Instances!.map(({ InstanceId }) => InstanceId!);
    const shown = await region.ec2.send(
      new DescribeInstanceAttributeCommand({ InstanceId: ids[0]!, Attribute: 'userData' }),
    );
    expect(shown.UserData?.Value).toBe('aGVsbG8=');
    await region.ec2.send(new TerminateInstancesCommand({ InstanceIds: ids }));
  });

  it('shows what a template launches', async () => {
    const reply = await region.ec2.send(
      new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateName: 'web' }),
    );
    const data = reply.LaunchTemplateVersions![0]!.LaunchTemplateData!;
    expect(data.ImageId).toMatch(/^ami-/);
    expect(data.TagSpecifications![0]!.Tags).toContainEqual({ Key: 'service', Value: 'web' });
  });

  it.each([
    ['MissingParameter', { LaunchTemplate: undefined }],
    ['InvalidAMIID.Malformed', { ImageId: 'no-image' }],
    ['InvalidParameterValue', { Placement: { AvailabilityZone: 'us-east-1f' } }],
    ['InvalidSubnetID.NotFound', { SubnetId: 'subnet-0123456789abcdef0' }],
    ['InvalidLaunchTemplateName.NotFoundException', { LaunchTemplate: { LaunchTemplateName: 'nothing' } }],
    [
      'InvalidLaunchTemplateId.VersionNotFound',
      { LaunchTemplate: { LaunchTemplateName: 'web', Version: '7' } },
    ],
    ['InvalidParameterValue', { ClientToken: 'x'.repeat(65) }],
    [
      'InvalidParameterValue',
      { TagSpecifications: [{ ResourceType: 'instance' as const, Tags: [{ Key: 'aws:x', Value: '' }] }] },
    ],
    ['DryRunOperation', { DryRun: true }],
  ])('refuses with %s for %j and launches nothing', async (name, changes) => {
    const { launches } = region.view();
    const { LaunchTemplate, ...rest } = launch(changes);
    const input = LaunchTemplate === undefined ? rest : { ...rest, LaunchTemplate };
    await expect(region.ec2.send(new RunInstancesCommand(input))).rejects.toMatchObject({ name });
    expect(region.view().launches).toBe(launches);
  });
});

describe('DescribeInstances', () => {
  it('filters by tag, tag key, zone and state, with wildcards, all filters together', async () => {
    const { id } = instanceNamed(region.view(), 'web-2');
    expect(await find({ 'tag:Name': ['web-2'] })).toEqual([id]);
    expect(await find({ 'tag:Name': ['web-?', 'api-*'], 'availability-zone': ['us-east-1b'] })).toEqual([id]);
    expect(await find({ 'tag-key': ['no-such-key'] })).toEqual([]);
    expect(await find({ 'tag:Name': ['web-2'], 'instance-state-name': ['stopped'] })).toEqual([]);
    expect(await find({ 'tag:Name': ['web.2'] })).toEqual([]);
    await expect(find({ 'no-such-filter': ['x'] })).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  });

  it('pages through everything once, 5 at a time', async () => {
    await region.ec2.send(
      new RunInstancesCommand(launch({ MinCount: 7, MaxCount: 7, ClientToken: 'pages' })),
    );
    const ids: string[] = [];
    let pages = 0;
    for await (const page of paginateDescribeInstances({ client: region.ec2, pageSize: 5 }, {})) {
      pages += 1;
      ids.push(
        ...page.Reservations!.flatMap(({ Instances }) => Instances!.map(({ InstanceId }) => InstanceId!)),
      );
    }
    expect(ids).toEqual(region.view().instances.map(({ id }) => id));
    expect(pages).toBe(Math.ceil(ids.length / 5));
    await region.ec2.send(
      new TerminateInstancesCommand({ InstanceIds: await find({ 'client-token': ['pages'] }) }),
    );
  });

  it.each([
    ['InvalidInstanceID.NotFound', { InstanceIds: ['i-0123456789abcdef0'] }],
    ['InvalidInstanceID.Malformed', { InstanceIds: ['web-1'] }],
    ['InvalidParameterValue', { NextToken: 'bm9uc2Vuc2U=' }],
    ['InvalidParameterValue', { MaxResults: 4 }],
  ])('refuses with %s for %j', async (name, input) => {
    await expect(region.ec2.send(new DescribeInstancesCommand(input))).rejects.toMatchObject({ name });
  });

  it('shows scheduled events of the provider', async () => {
    const { id } = instanceNamed(region.view(), 'web-1');
    await region.sim('hosts/web-1/events', {
      code: 'instance-retirement',
      not_before: '2027-01-01T00:00:00Z',
    });
    const reply = await region.ec2.send(new DescribeInstanceStatusCommand({ InstanceIds: [id] }));
    expect(reply.InstanceStatuses![0]!.Events).toMatchObject([
      { Code: 'instance-retirement', NotBefore: new Date('2027-01-01T00:00:00Z') },
    ]);
    await region.sim('hosts/web-1/events', undefined, 'DELETE');
  });
});

describe('tags', () => {
  it('are added, overwritten, and deleted by key or by key and value', async () => {
    const { id } = instanceNamed(region.view(), 'web-2');
    const tag = (Key: string, Value: string) => ({ Resources: [id], Tags: [{ Key, Value }] });
    await region.ec2.send(new CreateTagsCommand(tag('lazarus:state', 'forensics')));
    await region.ec2.send(new CreateTagsCommand(tag('lazarus:state', 'kept')));
    expect(await find({ 'tag:lazarus:state': ['kept'] })).toEqual([id]);
    await region.ec2.send(new DeleteTagsCommand(tag('lazarus:state', 'other value')));
    expect(await find({ 'tag-key': ['lazarus:state'] })).toEqual([id]);
    await region.ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: [{ Key: 'lazarus:state' }] }));
    expect(await find({ 'tag-key': ['lazarus:state'] })).toEqual([]);
  });
});

describe('credentials', () => {
  it('of another region are refused', async () => {
    const stranger = new EC2Client({
      endpoint: region.endpoint,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'example' },
    });
    await expect(stranger.send(new DescribeInstancesCommand({}))).rejects.toMatchObject({
      name: 'AuthFailure',
    });
    stranger.destroy();
  });
});
