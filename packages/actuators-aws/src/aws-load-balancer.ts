import type { ActuatorCall, Budgets, Clock, LoadBalancer } from '@lazarus/core/ports';
import { PortError } from '@lazarus/core';
import type { AwsConnection } from './aws-connection.ts';
import { act } from './aws-failure.ts';
import { describeHost } from './describe-host.ts';
import { assertBudget, assertMayChange } from './safety.ts';
import { createTargetGroups } from './target-groups.ts';
import type { ServiceTargetGroup } from './target-groups.ts';

const GROUPS_FOR_MS = 60_000;

/** Changes membership in the target groups that carry the service's tag. Both changes are idempotent by nature. */
export function createAwsLoadBalancer(
  aws: AwsConnection,
  ports: {
    readonly clock: Clock;
    readonly budgets: Pick<Budgets, 'holds'>;
    readonly ownHostIds?: readonly string[];
  },
): LoadBalancer {
  const own = new Set(ports.ownHostIds ?? []);
  const groups = createTargetGroups(aws, { clock: ports.clock, groupsForMs: GROUPS_FOR_MS });
  const { sdk } = aws;

  async function serviceOf(hostId: string, signal: AbortSignal): Promise<string> {
    const found = await describeHost(aws, hostId, signal);
    if (found === undefined) {
      throw new PortError({
        code: 'LZ_ACTUATOR_TRANSIENT',
        message: `the provider does not know ${hostId}, or not yet`,
        retryable: true,
      });
    }
    assertMayChange(found.host, own);
    return found.host.service;
  }

  async function change(
    call: ActuatorCall & { readonly hostId: string },
    what: string,
    one: (group: ServiceTargetGroup) => Promise<unknown>,
  ): Promise<{ readonly groups: readonly string[] }> {
    await assertBudget(call, ports.budgets);
    const service = await serviceOf(call.hostId, call.signal);
    return act(`${what} ${call.hostId}`, call.signal, async () => {
      const concerned = await groups.ofService(service, call.signal);
      await Promise.all(concerned.map(one));
      return { groups: concerned.map(({ name }) => name) };
    });
  }

  return {
    remove: (call) =>
      change(call, 'take out of the load balancer:', ({ arn }) =>
        aws.elb.send(
          new sdk.elb.DeregisterTargetsCommand({ TargetGroupArn: arn, Targets: [{ Id: call.hostId }] }),
          { abortSignal: call.signal },
        ),
      ),
    add: (call) =>
      change(call, 'put into the load balancer:', ({ arn }) =>
        aws.elb.send(
          new sdk.elb.RegisterTargetsCommand({ TargetGroupArn: arn, Targets: [{ Id: call.hostId }] }),
          {
            abortSignal: call.signal,
          },
        ),
      ),
    async status(hostId, { signal }) {
      const service = await serviceOf(hostId, signal);
      return act(`look at the load balancer for ${hostId}`, signal, async () => {
        const targets = await groups.targets(service, signal);
        const states = targets.filter((target) => target.hostId === hostId).map(({ state }) => state);
        return worst(states);
      });
    },
  };
}

const ORDER = ['unhealthy', 'draining', 'initial', 'healthy'] as const;

/** A host in several groups is as healthy as in the worst of them. */
function worst(states: readonly string[]): 'healthy' | 'unhealthy' | 'initial' | 'draining' | 'unused' {
  return ORDER.find((state) => states.includes(state)) ?? 'unused';
}
