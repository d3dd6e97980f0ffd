/**
 * What the built-in preconditions read from a fleet snapshot. S8: an empty, missing or partial inventory is never "all"
 * and never "healthy", so each reading begins with {@link readInventory}, which fails in those cases.
 */
import type { FleetSnapshot, Host } from '../ports/fleet.ts';
import type { PreconditionContext, Verdict } from './precondition.ts';

/** The hosts of the event's service and environment, sorted by what Lazarus does with them. */
export interface Inventory {
  /** In service, the failed host included. */
  readonly active: readonly Host[];
  /** Being launched: not in service yet. */
  readonly launching: readonly Host[];
  /** On their way out. */
  readonly removing: readonly Host[];
  /** Stopped, or running outside of the load balancer: neither capacity nor gone. */
  readonly idle: readonly Host[];
  readonly target: Host | undefined;
}

/** Reads the inventory, or says why nothing can be concluded from it. */
export async function readInventory(
  context: PreconditionContext,
): Promise<
  { readonly ok: true; readonly inventory: Inventory } | { readonly ok: false; readonly verdict: Verdict }
> {
  const snapshot = await context.fleet();
  const hosts = snapshot.hosts.filter((host) => host.environment === context.event.environment);
  const problem = problemOf(snapshot, hosts, context);
  if (problem === undefined) return { ok: true, inventory: sort(hosts, context.target) };
  const evidence = { hosts: hosts.length, complete: snapshot.complete };
  return { ok: false, verdict: { verdict: 'fail', reason: problem, evidence } };
}

function problemOf(
  snapshot: FleetSnapshot,
  hosts: readonly Host[],
  context: PreconditionContext,
): string | undefined {
  const { service, environment } = context.event;
  if (!snapshot.complete) return `the inventory of ${service} is partial`;
  if (hosts.length === 0) return `the inventory of ${service} has no host in ${environment}`;
  const { target } = context;
  const isMissing = target !== undefined && !hosts.some((host) => host.hostId === target.hostId);
  if (isMissing && target.state !== 'terminated') return `the inventory of ${service} lacks ${target.name}`;
  return undefined;
}

function sort(hosts: readonly Host[], target: Host | undefined): Inventory {
  const living = hosts.filter((host) => host.state !== 'terminated' && host.lifecycle !== 'forensics');
  const isLaunching = (host: Host): boolean =>
    host.lifecycle === 'launching' || (host.lifecycle === 'active' && host.state === 'pending');
  const running = living.filter((host) => host.lifecycle === 'active' && host.state === 'running');
  // Behind a load balancer, a host outside of it carries no load.
  const isBalanced = running.some((host) => host.inLoadBalancer);
  const isInService = (host: Host): boolean => host.inLoadBalancer || !isBalanced;
  return {
    active: running.filter(isInService),
    launching: living.filter(isLaunching),
    removing: living.filter((host) => host.lifecycle === 'removing'),
    idle: living.filter(
      (host) =>
        host.lifecycle === 'active' && !isLaunching(host) && !(host.state === 'running' && isInService(host)),
    ),
    target,
  };
}

/** Whether this is the failed host itself. */
export function isTarget(host: Host, inventory: Inventory): boolean {
  return host.hostId === inventory.target?.hostId;
}

/** The other hosts of the service that should be carrying load: everything but the failed host and forensics. */
export function peersOf(inventory: Inventory): readonly Host[] {
  const { active, launching, removing, idle } = inventory;
  return [...active, ...launching, ...removing, ...idle].filter((host) => !isTarget(host, inventory));
}

/** Hosts that count as unhealthy without being asked: on their way in or out, or not in service. Keeps S5. */
export function isOutOfService(host: Host, inventory: Inventory): boolean {
  return !inventory.active.includes(host);
}
