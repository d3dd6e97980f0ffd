import type { Instance } from '@aws-sdk/client-ec2';
import type { Host } from '@lazarus/core/ports';
import type { AwsConnection } from './aws-connection.ts';
import { act, classifyFailure } from './aws-failure.ts';
import { hostFromInstance } from './host-from-instance.ts';

/** An instance as the provider describes it, and as a host. */
export interface DescribedHost {
  readonly instance: Instance;
  readonly host: Host;
}

/** Reads one instance; `undefined` when the provider does not know it, or not yet. */
export async function describeHost(
  aws: AwsConnection,
  hostId: string,
  signal: AbortSignal,
): Promise<DescribedHost | undefined> {
  return act(`describe ${hostId}`, signal, async () => {
    try {
      const reply = await aws.ec2.send(new aws.sdk.ec2.DescribeInstancesCommand({ InstanceIds: [hostId] }), {
        abortSignal: signal,
      });
      const reservation = reply.Reservations?.[0];
      const instance = reservation?.Instances?.[0];
      if (instance === undefined) return undefined;
      const host = hostFromInstance(instance, {
        account: reservation?.OwnerId ?? '',
        region: aws.region,
        inLoadBalancer: false,
      });
      return host === undefined ? undefined : { instance, host };
    } catch (error) {
      if (classifyFailure(error) === 'not_yet') return undefined;
      throw error;
    }
  });
}
