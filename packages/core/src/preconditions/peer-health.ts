import { describeError } from '../errors/lazarus-error.ts';
import type { Host } from '../ports/fleet.ts';
import type { Inventory } from './inventory.ts';
import { isOutOfService } from './inventory.ts';
import type { PreconditionContext } from './precondition.ts';

/** What one peer looks like from here. */
export interface PeerHealth {
  readonly host: Host;
  readonly isHealthy: boolean;
  /** `healthy`, `unhealthy`, `unreachable`, or why it was not even asked. */
  readonly status: string;
}

/** Looks at every peer from this node's zone. Only an answer that says healthy counts as healthy. Keeps S8. */
export async function lookAtPeers(
  peers: readonly Host[],
  inventory: Inventory,
  context: PreconditionContext,
): Promise<readonly PeerHealth[]> {
  return Promise.all(
    peers.map(async (host): Promise<PeerHealth> => {
      if (isOutOfService(host, inventory)) {
        const status = host.lifecycle === 'active' ? `not in service (${host.state})` : host.lifecycle;
        return { host, isHealthy: false, status };
      }
      if (host.healthUrl === undefined) return { host, isHealthy: false, status: 'no healthcheck URL' };
      try {
        const { status } = await context.probe(host);
        return { host, isHealthy: status === 'healthy', status };
      } catch (error) {
        return { host, isHealthy: false, status: describeError(error) };
      }
    }),
  );
}

/** `web-2 (unreachable), web-3 (launching)`, at most five. */
export function namePeers(peers: readonly PeerHealth[]): string {
  const named = peers.slice(0, 5).map(({ host, status }) => `${host.name} (${status})`);
  return [...named, ...(peers.length > 5 ? [`and ${peers.length - 5} more`] : [])].join(', ');
}
