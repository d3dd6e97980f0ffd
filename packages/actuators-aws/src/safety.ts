import { PortError } from '@lazarus/core';
import type { ActuatorCall, Budgets, Host } from '@lazarus/core/ports';

/**
 * Refuses what must never be touched, whatever rules and votes say: hosts that have not opted in, protected ones, and
 * Lazarus itself. Keeps S16.
 *
 * @throws PortError `LZ_ACTUATOR_PROTECTED`.
 */
export function assertMayChange(host: Host, ownHostIds: ReadonlySet<string>): void {
  const why = ownHostIds.has(host.hostId)
    ? 'is a host of Lazarus itself'
    : host.isProtected
      ? 'is protected'
      : host.managed
        ? undefined
        : 'has not opted in (tag lazarus:managed)';
  if (why === undefined) return;
  throw new PortError({
    code: 'LZ_ACTUATOR_PROTECTED',
    message: `${host.name} (${host.hostId}) ${why}: nothing was done to it`,
    details: { host_id: host.hostId },
    retryable: false,
  });
}

/**
 * Refuses an effect for which no blast radius was reserved. This is the guard that survives a bug anywhere above it.
 * Keeps S6.
 *
 * @throws PortError `LZ_BUDGET_REFUSED`, or what the store throws: unreadable means nothing left.
 */
export async function assertBudget(call: ActuatorCall, budgets: Pick<Budgets, 'holds'>): Promise<void> {
  if (await budgets.holds(call.decisionId)) return;
  throw new PortError({
    code: 'LZ_BUDGET_REFUSED',
    message: `decision ${call.decisionId.slice(0, 12)} holds no reservation in the blast-radius budget: nothing was done`,
    details: { decision_id: call.decisionId },
    retryable: false,
  });
}
