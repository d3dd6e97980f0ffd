import type { Tag } from '@aws-sdk/client-ec2';
import type { ActuatorCall, Budgets, Clock, HostActuator } from '@lazarus/core/ports';

import { PortError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import { z } from 'zod';

import type { AwsConnection } from './aws-connection.ts';
import { cloneHost, findLaunched } from './host-cloning.ts';
import { readInstance } from './instances.ts';
import { InventoryOptions, TAGS, tagsOf, toHost } from './inventory.ts';
import { actuatorError, fleetError } from './provider-failure.ts';
import { createTargetGroups, isMember } from './target-groups.ts';
import { createTargetGuard, type GuardedTarget, refuseTarget } from './target-guard.ts';

/** Options of {@link createAwsHostActuator}. */
export const AwsHostActuatorOptions = InventoryOptions.extend({
  /** Which hosts may be terminated: those that the calling decision launched, or every managed one. */
  mayTerminate: z.enum(['launched_by_decision', 'managed']).default('launched_by_decision'),
});

/** Options as a caller writes them. */
export type AwsHostActuatorOptionsInput = z.input<typeof AwsHostActuatorOptions>;

const KEY = /^[\x21-\x7e]{1,64}$/;

function assertKey(idempotencyKey: string): void {
  if (KEY.test(idempotencyKey)) return;
  throw new PortError({
    code: 'LZ_ACTUATOR_REFUSED',
    message: 'the idempotency key must be 1 to 64 printable ASCII characters',
    retryable: false,
  });
}

/**
 * Makes the actuator on EC2. Before every change it reads the target from the provider, refuses protected and unmanaged
 * ones, and, unless the change puts a host back into service, asks the budget. All calls may be repeated with the same
 * idempotency key. Keeps S1, S6 and S16.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`; calls throw PortError `LZ_ACTUATOR_TRANSIENT`, `LZ_ACTUATOR_REFUSED`,
 * `LZ_ACTUATOR_PROTECTED`, `LZ_BUDGET_REFUSED` or `LZ_BUDGET_UNAVAILABLE`.
 */
export function createAwsHostActuator(
  options: AwsHostActuatorOptionsInput & {
    readonly aws: AwsConnection;
    readonly budgets: Pick<Budgets, 'holds' | 'alsoIn'>;
    readonly clock: Clock;
  },
): HostActuator {
  const { aws, budgets, clock, ...rest } = options;
  const { mayTerminate, ...inventory } = parseOptions('createAwsHostActuator', AwsHostActuatorOptions, rest);
  const guard = createTargetGuard({ aws, budgets, inventory });
  const groups = createTargetGroups({ aws, clock, serviceTag: inventory.serviceTag });

  const change = async (what: string, signal: AbortSignal, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      signal.throwIfAborted();
      throw actuatorError(what, error);
    }
  };
  const tag = (hostId: string, tags: readonly Tag[], signal: AbortSignal): Promise<unknown> =>
    aws.ec2(signal, ({ sdk, client, abortSignal }) =>
      client.send(new sdk.CreateTagsCommand({ Resources: [hostId], Tags: [...tags] }), { abortSignal }),
    );
  const isInLoadBalancer = async (service: string, hostId: string, signal: AbortSignal): Promise<boolean> => {
    for (const group of await groups.ofService(service, signal)) {
      const targets = await groups.targetsOf(group, signal);
      if (targets.some((target) => target.hostId === hostId && isMember(target.state))) return true;
    }
    return false;
  };
  /** Ends only what this decision launched and what takes no traffic; a failed host goes into forensics instead. */
  const assertTerminable = async (
    { host }: GuardedTarget,
    call: ActuatorCall,
    what: string,
  ): Promise<void> => {
    if (mayTerminate === 'launched_by_decision' && host.tags[TAGS.launchedBy] !== call.decisionId) {
      throw refuseTarget(what, 'this decision did not launch the host');
    }
    const isServing = await isInLoadBalancer(host.service, host.hostId, call.signal).catch(
      (error: unknown) => {
        call.signal.throwIfAborted();
        throw actuatorError(what, error);
      },
    );
    if (isServing) throw refuseTarget(what, 'the host is in the load balancer');
  };

  return {
    clone: async ({ from, ...call }) => {
      const what = `clone of ${from}`;
      assertKey(call.idempotencyKey);
      const { owned, host } = await guard.admit(from, what, call.signal);
      await guard.assertBudget(call, what);
      const launched = await cloneHost(aws, { ...call, source: owned.instance, inventory });
      // S5: its own zone was full; from now on the other one is in flight, too. A failure repeats the call, which launches
      // nothing twice.
      if (launched.zone !== host.zone) await budgets.alsoIn?.(call.decisionId, launched.zone);
      return launched;
    },
    findClone: async ({ idempotencyKey, signal }) => {
      assertKey(idempotencyKey);
      try {
        return (await findLaunched(aws, idempotencyKey, signal))?.hostId;
      } catch (error) {
        signal.throwIfAborted();
        throw actuatorError(`search for the clone ${idempotencyKey}`, error);
      }
    },
    describe: async (hostId, { signal }) => {
      try {
        const owned = await readInstance(aws, hostId, signal);
        if (owned === undefined) return undefined;
        const service = tagsOf(owned.instance)[inventory.serviceTag] ?? '';
        const inLoadBalancer = await isInLoadBalancer(service, hostId, signal);
        return toHost(owned, { inventory, region: aws.region, inLoadBalancer });
      } catch (error) {
        signal.throwIfAborted();
        throw fleetError(hostId, error);
      }
    },
    setLifecycle: async ({ hostId, lifecycle, expiresAt, ...call }) => {
      const what = `lifecycle ${lifecycle} of ${hostId}`;
      const { host } = await guard.admit(hostId, what, call.signal);
      // Putting a host back into service only ever helps: it must work also when the reservation is gone.
      if (lifecycle !== 'active') await guard.assertBudget(call, what);
      const tags = [
        { Key: TAGS.lifecycle, Value: lifecycle },
        { Key: TAGS.decision, Value: call.decisionId },
        ...(expiresAt === undefined ? [] : [{ Key: TAGS.expiresAt, Value: expiresAt }]),
      ];
      await change(what, call.signal, () => tag(hostId, tags, call.signal));
      if (lifecycle === 'forensics' || host.tags[TAGS.expiresAt] === undefined) return;
      await change(what, call.signal, () =>
        aws.ec2(call.signal, ({ sdk, client, abortSignal }) =>
          client.send(new sdk.DeleteTagsCommand({ Resources: [hostId], Tags: [{ Key: TAGS.expiresAt }] }), {
            abortSignal,
          }),
        ),
      );
    },
    terminate: async ({ hostId, ...call }) => {
      const what = `termination of ${hostId}`;
      const known = await readInstance(aws, hostId, call.signal).catch((error: unknown) => {
        call.signal.throwIfAborted();
        throw actuatorError(what, error);
      });
      // What is gone, or going, needs nothing. One that is not known may have been launched a moment ago: to give up
      // on it would leave it running for good.
      if (['terminated', 'shutting-down'].includes(known?.instance.State?.Name ?? '')) return;
      const target = await guard.admit(hostId, what, call.signal);
      await assertTerminable(target, call, what);
      await guard.assertBudget(call, what);
      await change(what, call.signal, () =>
        aws.ec2(call.signal, ({ sdk, client, abortSignal }) =>
          client.send(new sdk.TerminateInstancesCommand({ InstanceIds: [hostId] }), { abortSignal }),
        ),
      );
    },
    reboot: async ({ hostId, ...call }) => {
      const what = `reboot of ${hostId}`;
      assertKey(call.idempotencyKey);
      const { host } = await guard.admit(hostId, what, call.signal);
      if (host.tags[TAGS.rebootKey] === call.idempotencyKey) return;
      await guard.assertBudget(call, what);
      // The mark comes first: a second reboot would hit a host that is coming up, and the verification that follows
      // notices one that did not happen. Keeps S1.
      await change(what, call.signal, () =>
        tag(hostId, [{ Key: TAGS.rebootKey, Value: call.idempotencyKey }], call.signal),
      );
      await change(what, call.signal, () =>
        aws.ec2(call.signal, ({ sdk, client, abortSignal }) =>
          client.send(new sdk.RebootInstancesCommand({ InstanceIds: [hostId] }), { abortSignal }),
        ),
      );
    },
  };
}
