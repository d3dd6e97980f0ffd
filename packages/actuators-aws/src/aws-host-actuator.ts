import type { Budgets, HostActuator } from '@lazarus/core/ports';
import { PortError } from '@lazarus/core';
import type { AwsConnection } from './aws-connection.ts';
import { act } from './aws-failure.ts';
import { cloneRequest } from './clone-request.ts';
import { describeHost } from './describe-host.ts';
import type { DescribedHost } from './describe-host.ts';
import { TAGS, tagsOf } from './host-from-instance.ts';
import { assertBudget, assertMayChange } from './safety.ts';

/** Ports of {@link createAwsHostActuator}. */
export interface AwsHostActuatorPorts {
  readonly budgets: Pick<Budgets, 'holds'>;
  /** Hosts on which Lazarus itself runs: never a target. Keeps S16. */
  readonly ownHostIds?: readonly string[];
}

/**
 * Changes hosts on EC2. Every effect asks the budget first and reads the target from the provider; launches carry the
 * step's key as `ClientToken`, so that a repeated call finds the same instance. Keeps S1, S6 and S16.
 */
export function createAwsHostActuator(aws: AwsConnection, ports: AwsHostActuatorPorts): HostActuator {
  const own = new Set(ports.ownHostIds ?? []);
  const { sdk } = aws;

  async function target(hostId: string, signal: AbortSignal): Promise<DescribedHost> {
    const found = await describeHost(aws, hostId, signal);
    if (found === undefined) throw unknownHost(hostId);
    assertMayChange(found.host, own);
    return found;
  }

  return {
    async clone(call) {
      await assertBudget(call, ports.budgets);
      const source = await target(call.from, call.signal);
      return act(`clone ${call.from}`, call.signal, async () => {
        const userData = await userDataOf(aws, source, call.signal);
        const reply = await aws.ec2.send(
          new sdk.ec2.RunInstancesCommand(cloneRequest(source.instance, call, userData)),
          {
            abortSignal: call.signal,
          },
        );
        const launched = reply.Instances?.[0];
        if (launched?.InstanceId === undefined) throw new Error('the reply names no instance');
        return {
          hostId: launched.InstanceId,
          zone: launched.Placement?.AvailabilityZone ?? source.host.zone,
        };
      });
    },
    async findClone({ idempotencyKey, signal }) {
      return act('look for a launched clone', signal, async () => {
        const reply = await aws.ec2.send(
          new sdk.ec2.DescribeInstancesCommand({
            Filters: [{ Name: 'client-token', Values: [idempotencyKey] }],
          }),
          { abortSignal: signal },
        );
        return reply.Reservations?.[0]?.Instances?.[0]?.InstanceId;
      });
    },
    describe: async (hostId, { signal }) => (await describeHost(aws, hostId, signal))?.host,
    async setLifecycle(call) {
      await assertBudget(call, ports.budgets);
      await target(call.hostId, call.signal);
      const tags: Record<string, string> = {
        [TAGS.state]: call.lifecycle,
        [TAGS.decision]: call.decisionId,
        ...(call.expiresAt === undefined ? {} : { [TAGS.keepUntil]: call.expiresAt }),
      };
      await act(`mark ${call.hostId} as ${call.lifecycle}`, call.signal, () =>
        aws.ec2.send(
          new sdk.ec2.CreateTagsCommand({
            Resources: [call.hostId],
            Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
          }),
          { abortSignal: call.signal },
        ),
      );
    },
    async terminate(call) {
      await assertBudget(call, ports.budgets);
      const { host, instance } = await target(call.hostId, call.signal);
      if (tagsOf(instance.Tags)[TAGS.decision] !== call.decisionId || host.lifecycle !== 'launching') {
        throw notOurs(call.hostId, call.decisionId);
      }
      await act(`terminate ${call.hostId}`, call.signal, () =>
        aws.ec2.send(new sdk.ec2.TerminateInstancesCommand({ InstanceIds: [call.hostId] }), {
          abortSignal: call.signal,
        }),
      );
    },
    async reboot(call) {
      await assertBudget(call, ports.budgets);
      await target(call.hostId, call.signal);
      await act(`reboot ${call.hostId}`, call.signal, () =>
        aws.ec2.send(new sdk.ec2.RebootInstancesCommand({ InstanceIds: [call.hostId] }), {
          abortSignal: call.signal,
        }),
      );
    },
  };
}

async function userDataOf(
  aws: AwsConnection,
  { instance }: DescribedHost,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (tagsOf(instance.Tags)['aws:ec2launchtemplate:id'] !== undefined) return undefined;
  const reply = await aws.ec2.send(
    new aws.sdk.ec2.DescribeInstanceAttributeCommand({
      InstanceId: instance.InstanceId,
      Attribute: 'userData',
    }),
    { abortSignal: signal },
  );
  return reply.UserData?.Value;
}

function unknownHost(hostId: string): PortError {
  return new PortError({
    code: 'LZ_ACTUATOR_TRANSIENT',
    message: `the provider does not know ${hostId}, or not yet`,
    details: { host_id: hostId },
    retryable: true,
  });
}

/** Ends only what this decision launched and never took into service; a failed host goes into forensics instead. */
function notOurs(hostId: string, decisionId: string): PortError {
  return new PortError({
    code: 'LZ_ACTUATOR_PROTECTED',
    message: `${hostId} was not launched by decision ${decisionId.slice(0, 12)}, or is in service: it is not terminated`,
    details: { host_id: hostId },
    retryable: false,
  });
}
