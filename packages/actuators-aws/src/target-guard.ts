import type { ActuatorCall, Budgets, Host } from '@lazarus/core/ports';

import { PortError } from '@lazarus/core';

import type { AwsConnection } from './aws-connection.ts';
import { readInstance } from './instances.ts';
import { type Inventory, type OwnedInstance, toHost } from './inventory.ts';
import { actuatorError } from './provider-failure.ts';

/** A host that may be acted on, as the provider describes it right now. */
export interface GuardedTarget {
  readonly owned: OwnedInstance;
  readonly host: Host;
}

/**
 * Stands before every call that changes something: reads the target from the provider, refuses one that has not opted in
 * or is protected, and asks the budget. Independent of rules, votes and plugins. Keeps S6 and S16.
 */
export interface TargetGuard {
  /**
   * Reads a target that may be acted on.
   *
   * @throws PortError `LZ_ACTUATOR_PROTECTED`, `LZ_ACTUATOR_TRANSIENT` when the provider does not know it (yet).
   */
  admit(hostId: string, what: string, signal: AbortSignal): Promise<GuardedTarget>;
  /** @throws PortError `LZ_BUDGET_REFUSED`, or `LZ_BUDGET_UNAVAILABLE`: unreadable means nothing left. */
  assertBudget(call: ActuatorCall, what: string): Promise<void>;
}

/** Refusal for a target. */
export function refuseTarget(what: string, why: string): PortError {
  return new PortError({
    code: 'LZ_ACTUATOR_PROTECTED',
    message: `${what} was refused: ${why}`,
    retryable: false,
  });
}

/** Makes the guard. */
export function createTargetGuard(options: {
  readonly aws: AwsConnection;
  readonly budgets: Pick<Budgets, 'holds'>;
  readonly inventory: Inventory;
}): TargetGuard {
  const { aws, budgets, inventory } = options;
  return {
    admit: async (hostId, what, signal) => {
      const owned = await readInstance(aws, hostId, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        throw actuatorError(what, error);
      });
      if (owned === undefined) {
        throw new PortError({
          code: 'LZ_ACTUATOR_TRANSIENT',
          message: `${what} failed: the provider does not know the host (yet)`,
          details: { failure: 'not_found' },
          retryable: true,
        });
      }
      const host = toHost(owned, { inventory, region: aws.region, inLoadBalancer: false });
      if (host.isProtected) throw refuseTarget(what, 'the host is protected');
      if (!host.managed) throw refuseTarget(what, 'the host has not opted in (tag lazarus:managed=true)');
      return { owned, host };
    },
    assertBudget: async ({ decisionId }, what) => {
      if (await budgets.holds(decisionId)) return;
      throw new PortError({
        code: 'LZ_BUDGET_REFUSED',
        message: `${what} was refused: decision ${decisionId} holds no reservation in the blast-radius budget`,
        details: { decision_id: decisionId },
        retryable: false,
      });
    },
  };
}
