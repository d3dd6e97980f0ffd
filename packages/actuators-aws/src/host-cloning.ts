/**
 * Launching a replacement, once.
 *
 * 1. Look for what an earlier try with this key launched.
 * 2. Launch with the key as token: the provider answers a repeated call with the same instance.
 * 3. Only when the provider says that the zone is full, try the other zones of the service, with the same token.
 *
 * S1: one replacement per key, over retries, crashes and nodes.
 */
import type { Instance } from '@aws-sdk/client-ec2';
import type { ActuatorCall } from '@lazarus/core/ports';

import { PortError } from '@lazarus/core';

import type { AwsConnection } from './aws-connection.ts';
import { listInstances } from './instances.ts';
import { type Inventory, TAGS, tagsOf } from './inventory.ts';
import { launchTemplateOf, runInstancesInput } from './launch.ts';
import { actuatorError, classifyFailure } from './provider-failure.ts';

/** A launched host. */
export interface Clone {
  readonly hostId: string;
  readonly zone: string;
}

const ALIVE = ['pending', 'running', 'stopping', 'stopped'];

function toClone(instance: Instance | undefined): Clone | undefined {
  if (instance?.InstanceId === undefined) return undefined;
  return { hostId: instance.InstanceId, zone: instance.Placement?.AvailabilityZone ?? '' };
}

/** Looks for the host that was launched with this key, by token and by tag. */
export async function findLaunched(
  aws: AwsConnection,
  idempotencyKey: string,
  signal: AbortSignal,
): Promise<Clone | undefined> {
  return toClone(await findInstance(aws, idempotencyKey, signal));
}

async function findInstance(
  aws: AwsConnection,
  idempotencyKey: string,
  signal: AbortSignal,
): Promise<Instance | undefined> {
  for (const name of ['client-token', `tag:${TAGS.launchKey}`]) {
    const filters = [
      { Name: name, Values: [idempotencyKey] },
      { Name: 'instance-state-name', Values: ALIVE },
    ];
    const { instances } = await listInstances(aws, filters, signal);
    const found = instances[0]?.instance;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** User data that the description of an instance leaves out; a launch template brings its own. */
async function readUserData(
  aws: AwsConnection,
  source: Instance,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (launchTemplateOf(source) !== undefined) return undefined;
  const answer = await aws.ec2(signal, ({ sdk, client, abortSignal }) =>
    client.send(
      new sdk.DescribeInstanceAttributeCommand({ InstanceId: source.InstanceId, Attribute: 'userData' }),
      { abortSignal },
    ),
  );
  return answer.UserData?.Value;
}

/** Subnets of the service in other zones than the source's, one per zone, in a fixed order. */
async function otherSubnets(
  aws: AwsConnection,
  source: Instance,
  inventory: Inventory,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const service = tagsOf(source)[inventory.serviceTag] ?? '';
  const filters = [{ Name: `tag:${inventory.serviceTag}`, Values: [service] }];
  const { instances } = await listInstances(aws, filters, signal);
  const byZone = new Map<string, string>();
  for (const { instance } of instances) {
    const zone = instance.Placement?.AvailabilityZone;
    if (zone === undefined || instance.SubnetId === undefined) continue;
    if (zone === source.Placement?.AvailabilityZone) continue;
    if (instance.VpcId !== undefined && source.VpcId !== undefined && instance.VpcId !== source.VpcId)
      continue;
    if (!byZone.has(zone)) byZone.set(zone, instance.SubnetId);
  }
  return [...byZone].sort(([a], [b]) => a.localeCompare(b)).map(([, subnet]) => subnet);
}

/** Launches a host like `source`, or finds the one that was launched with this key. */
export async function cloneHost(
  aws: AwsConnection,
  call: ActuatorCall & { readonly source: Instance; readonly inventory: Inventory },
): Promise<Clone> {
  const { source, signal, idempotencyKey, decisionId } = call;
  const what = `clone of ${source.InstanceId ?? ''}`;
  try {
    const earlier = await findInstance(aws, idempotencyKey, signal);
    if (earlier !== undefined) return assertSameSource(what, earlier, source);
    const userData = await readUserData(aws, source, signal);
    const launch = async (subnetId: string | undefined): Promise<Clone | undefined> => {
      const input = runInstancesInput({ source, decisionId, idempotencyKey, userData, subnetId });
      const answer = await aws.ec2(signal, ({ sdk, client, abortSignal }) =>
        client.send(new sdk.RunInstancesCommand(input), { abortSignal }),
      );
      return toClone(answer.Instances?.[0]);
    };
    return assertLaunched(what, await launchSomewhere(aws, call, launch));
  } catch (error) {
    signal.throwIfAborted();
    // The token was used with other arguments: the host exists and will be found at the next try.
    if (error instanceof Error && error.name === 'IdempotentParameterMismatch') throw mismatch(what, error);
    throw actuatorError(what, error);
  }
}

async function launchSomewhere(
  aws: AwsConnection,
  {
    source,
    inventory,
    signal,
  }: { readonly source: Instance; readonly inventory: Inventory; readonly signal: AbortSignal },
  launch: (subnetId: string | undefined) => Promise<Clone | undefined>,
): Promise<Clone | undefined> {
  try {
    return await launch(source.SubnetId);
  } catch (error) {
    if (classifyFailure(error) !== 'no_capacity') throw error;
    let last: unknown = error;
    const subnets = await otherSubnets(aws, source, inventory, signal);
    for (const subnet of subnets) {
      try {
        return await launch(subnet);
      } catch (next) {
        if (classifyFailure(next) !== 'no_capacity') throw next;
        last = next;
      }
    }
    throw last;
  }
}

/** The key of another host's clone must not pass this one off as replaced. */
function assertSameSource(what: string, clone: Instance, source: Instance): Clone {
  const replaced = tagsOf(clone)[TAGS.replaces];
  if (replaced === source.InstanceId) return assertLaunched(what, toClone(clone));
  throw new PortError({
    code: 'LZ_ACTUATOR_REFUSED',
    message: `${what} was refused: its idempotency key launched ${clone.InstanceId ?? ''} as a clone of ${replaced ?? 'another host'}`,
    retryable: false,
  });
}

function assertLaunched(what: string, clone: Clone | undefined): Clone {
  if (clone !== undefined) return clone;
  throw new PortError({
    code: 'LZ_ACTUATOR_TRANSIENT',
    message: `${what} failed: the provider's answer names no instance`,
    retryable: true,
  });
}

function mismatch(what: string, error: Error): PortError {
  return new PortError({
    code: 'LZ_ACTUATOR_TRANSIENT',
    message: `${what} was launched before with other arguments (${error.message}); it is looked for again`,
    details: { provider_code: error.name },
    retryable: true,
    cause: error,
  });
}
