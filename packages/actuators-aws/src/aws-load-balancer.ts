import type { Budgets, Clock, LoadBalancer } from '@lazarus/core/ports';

import { PortError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import type { z } from 'zod';

import type { AwsConnection } from './aws-connection.ts';
import { readInstance } from './instances.ts';
import { InventoryOptions, tagsOf } from './inventory.ts';
import { actuatorError, fleetError } from './provider-failure.ts';
import { createTargetGroups, isMember, type TargetGroup, type TargetState } from './target-groups.ts';
import { createTargetGuard } from './target-guard.ts';

/** What one host's target states together say, the least useful first. */
const ORDER = ['unused', 'draining', 'unhealthy', 'initial', 'healthy'] as const;
type Status = (typeof ORDER)[number];

function toStatus(state: TargetState): Status {
  // A group without health checks sends traffic to all of its targets.
  if (state === 'unavailable') return 'healthy';
  return ORDER.find((known) => known === state) ?? 'unhealthy';
}

/** A host in several groups is as well as in the worst of them. */
function worst(states: readonly TargetState[]): Status {
  const statuses = states.map(toStatus);
  return ORDER.find((status) => statuses.includes(status)) ?? 'unused';
}

/**
 * Makes the load balancer on Elastic Load Balancing v2. The target groups of a service are those whose tag names it.
 * Taking a host out asks the budget; putting one in never does. Both may be repeated. Keeps S6 and S16.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`; calls throw PortError `LZ_ACTUATOR_TRANSIENT`, `LZ_ACTUATOR_REFUSED`,
 * `LZ_ACTUATOR_PROTECTED`, `LZ_BUDGET_REFUSED` or `LZ_BUDGET_UNAVAILABLE`.
 */
export function createAwsLoadBalancer(
  options: z.input<typeof InventoryOptions> & {
    readonly aws: AwsConnection;
    readonly budgets: Pick<Budgets, 'holds'>;
    readonly clock: Clock;
  },
): LoadBalancer {
  const { aws, budgets, clock, ...rest } = options;
  const inventory = parseOptions('createAwsLoadBalancer', InventoryOptions, rest);
  const guard = createTargetGuard({ aws, budgets, inventory });
  const groups = createTargetGroups({ aws, clock, serviceTag: inventory.serviceTag });

  const eachGroup = async (
    what: string,
    service: string,
    signal: AbortSignal,
    work: (group: TargetGroup) => Promise<boolean>,
  ): Promise<{ readonly groups: readonly string[] }> => {
    try {
      const done: string[] = [];
      for (const group of await groups.ofService(service, signal))
        if (await work(group)) done.push(group.name);
      return { groups: done };
    } catch (error) {
      signal.throwIfAborted();
      throw actuatorError(what, error);
    }
  };

  return {
    remove: async ({ hostId, ...call }) => {
      const what = `removal of ${hostId} from the load balancer`;
      const { host } = await guard.admit(hostId, what, call.signal);
      await guard.assertBudget(call, what);
      return eachGroup(what, host.service, call.signal, async (group) => {
        const targets = (await groups.targetsOf(group, call.signal)).filter(
          (target) => target.hostId === hostId && target.state !== 'draining',
        );
        if (targets.length === 0) return false;
        // With its port: without one, the provider means the target with the port of the group.
        const Targets = targets.map(({ port }) => ({ Id: hostId, ...(port && { Port: port }) }));
        await aws.elb(call.signal, ({ sdk, client, abortSignal }) =>
          client.send(new sdk.DeregisterTargetsCommand({ TargetGroupArn: group.arn, Targets }), {
            abortSignal,
          }),
        );
        return true;
      });
    },
    add: async ({ hostId, ...call }) => {
      const what = `addition of ${hostId} to the load balancer`;
      const { host } = await guard.admit(hostId, what, call.signal);
      const added = await eachGroup(what, host.service, call.signal, async (group) => {
        const targets = await groups.targetsOf(group, call.signal);
        if (targets.some((target) => target.hostId === hostId && isMember(target.state))) return true;
        await aws.elb(call.signal, ({ sdk, client, abortSignal }) =>
          client.send(
            new sdk.RegisterTargetsCommand({ TargetGroupArn: group.arn, Targets: [{ Id: hostId }] }),
            {
              abortSignal,
            },
          ),
        );
        return true;
      });
      if (added.groups.length > 0) return added;
      throw new PortError({
        code: 'LZ_ACTUATOR_REFUSED',
        message: `${what} failed: no target group has the tag ${inventory.serviceTag}=${host.service}`,
        retryable: false,
      });
    },
    status: async (hostId, { signal }) => {
      try {
        const owned = await readInstance(aws, hostId, signal);
        const service = owned && tagsOf(owned.instance)[inventory.serviceTag];
        if (service === undefined) return 'unused';
        const states: TargetState[] = [];
        for (const group of await groups.ofService(service, signal)) {
          const own = (await groups.targetsOf(group, signal)).filter((target) => target.hostId === hostId);
          states.push(...(own.length === 0 ? ['unused' as const] : own.map(({ state }) => state)));
        }
        return worst(states);
      } catch (error) {
        signal.throwIfAborted();
        throw fleetError(`the target health of ${hostId}`, error);
      }
    },
  };
}
