import { createSystemClock } from '@lazarus/core';
import type { ActuatorCall, Budgets, Clock } from '@lazarus/core/ports';
import { createRegion } from '@lazarus/example-fleet-sim';
import type { InstanceView, Region, RegionOptions } from '@lazarus/example-fleet-sim';
import {
  CreateTagsCommand,
  EC2Client,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  ElasticLoadBalancingV2Client,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import {
  type AwsConnection,
  type AwsConnectionOptionsInput,
  createAwsConnection,
  createAwsHostActuator,
  createAwsLoadBalancer,
} from '../src/index.ts';

export const clock: Clock = createSystemClock();
const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'example' };

/** A region with everything that a test of this package takes. */
export interface TestRegion extends Region {
  readonly aws: AwsConnection;
  /** A connection of its own to the same region, as another node has one. */
  connect(options?: Partial<AwsConnectionOptionsInput>): AwsConnection;
  host(idOrName: string): InstanceView;
  living(): readonly string[];
  /** `POST /_sim/<path>`. */
  sim(path: string, body?: object): Promise<void>;
  tag(hostId: string, tags: Readonly<Record<string, string>>): Promise<void>;
  launch(host: { readonly service: string; readonly name: string }): Promise<string>;
  terminate(hostId: string): Promise<void>;
  /** Registers a host in the target group of `web` and waits until it is healthy there. */
  putIntoLoadBalancer(hostId: string, port?: number): Promise<void>;
  /** How many calls of an action the provider got. */
  callsOf(action: string): number;
}

/** Starts a small quick region with the genuine SDK in front of it. */
export async function startRegion(options: RegionOptions = {}): Promise<TestRegion> {
  const region = await createRegion({
    services: [{ name: 'web', hosts: 3 }],
    bootMs: 20,
    shutdownMs: 10,
    drainMs: 300,
    healthCheck: { intervalMs: 40 },
    ...options,
  });
  const opened: AwsConnection[] = [];
  const connect: TestRegion['connect'] = (more = {}) => {
    const settings = { region: region.region, endpoint: region.endpoint, ...more };
    const connection = createAwsConnection({ ...settings, clock, credentials });
    opened.push(connection);
    return connection;
  };
  const ec2 = new EC2Client({ region: region.region, endpoint: region.endpoint, credentials });
  const elb = new ElasticLoadBalancingV2Client({
    region: region.region,
    endpoint: region.endpoint,
    credentials,
  });
  const host = (idOrName: string): InstanceView => {
    const found = region.view().instances.find(({ id, name }) => id === idOrName || name === idOrName);
    if (found === undefined) throw new Error(`no instance is called ${idOrName}`);
    return found;
  };
  return {
    ...region,
    aws: connect(),
    connect,
    host,
    living: () =>
      region
        .view()
        .instances.filter(({ state }) => state !== 'terminated' && state !== 'shutting-down')
        .map(({ id }) => id),
    sim: async (path, body = {}) => {
      const reply = await fetch(`${region.endpoint}/_sim/${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      if (!reply.ok) throw new Error(await reply.text());
    },
    tag: async (hostId, tags) => {
      const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      await ec2.send(new CreateTagsCommand({ Resources: [hostId], Tags }));
    },
    launch: async ({ service, name }) => {
      const { Instances } = await ec2.send(
        new RunInstancesCommand({
          MinCount: 1,
          MaxCount: 1,
          LaunchTemplate: { LaunchTemplateName: service },
          TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'Name', Value: name }] }],
        }),
      );
      const hostId = Instances?.[0]?.InstanceId ?? '';
      await until(`${name} runs`, () => host(hostId).state === 'running');
      return hostId;
    },
    terminate: async (hostId) => {
      await ec2.send(new TerminateInstancesCommand({ InstanceIds: [hostId] }));
      await until(`${hostId} is gone`, () => host(hostId).state === 'terminated');
    },
    putIntoLoadBalancer: async (hostId, port) => {
      const [group] = region.view().target_groups;
      await elb.send(
        new RegisterTargetsCommand({
          TargetGroupArn: group?.arn,
          Targets: [{ Id: hostId, ...(port === undefined ? {} : { Port: port }) }],
        }),
      );
      await until(`${hostId} is in`, () => host(hostId).target_health['web'] === 'healthy');
    },
    callsOf: (action) => region.view().calls[action] ?? 0,
    close: async () => {
      ec2.destroy();
      elb.destroy();
      await Promise.all(opened.map((connection) => connection.close()));
      await region.close();
    },
  };
}

/** Budgets in which exactly the granted decisions hold a reservation. */
export function grants(...decisionIds: string[]): Pick<Budgets, 'holds'> & { grant(id: string): void } {
  const held = new Set(decisionIds);
  return { holds: async (id) => held.has(id), grant: (id) => void held.add(id) };
}

export const { signal } = new AbortController();

export function call(decisionId: string, idempotencyKey = `${decisionId}/step`): ActuatorCall {
  return { decisionId, idempotencyKey, signal };
}

/** Host actuator and load balancer of one node, for decision `d1`. */
export function actuators(
  region: TestRegion,
  options: {
    readonly budgets?: Pick<Budgets, 'holds' | 'alsoIn'>;
    readonly protectedHosts?: readonly string[];
  } = {},
) {
  const { budgets = grants('d1'), ...rest } = options;
  const ports = { aws: region.connect(), budgets, clock, ...rest };
  return { hosts: createAwsHostActuator(ports), loadBalancer: createAwsLoadBalancer(ports) };
}

/** Waits until `condition` holds; tells what it waited for when it never does. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited 10 s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
