import type { FleetSnapshot, Host } from '@lazarus/core/ports';
import { NEW_WATCH } from './host-watch.ts';
import type { HostWatch } from './host-watch.ts';

/** One incarnation that is watched. */
export interface Watched {
  host: Host;
  watch: HostWatch;
  /** Ends the reporting of the open incident. */
  incident: AbortController | undefined;
  /** That it cannot be probed was said once. */
  isReported: boolean;
}

/** The hosts of all watched services, as they were listed last. */
export interface WatchList {
  /** Takes a listing over; what is no longer there is forgotten, and its incident with it. */
  update(snapshot: FleetSnapshot): void;
  /** Hosts that a sensor judges now. */
  due(): readonly Watched[];
}

/**
 * Creates a {@link WatchList}. What is known about a host belongs to its incarnation: a replacement with the same name
 * starts afresh. A partial listing removes nobody: an absent line proves nothing. Keeps S8.
 */
export function createWatchList(): WatchList {
  const services = new Map<string, Map<string, Watched>>();
  return {
    due: () =>
      [...services.values()].flatMap((hosts) => [...hosts.values()]).filter(({ host }) => isDue(host)),
    update(snapshot) {
      const known = services.get(snapshot.service) ?? new Map<string, Watched>();
      services.set(snapshot.service, known);
      const listed = new Set<string>();
      for (const host of snapshot.hosts) {
        const key = incarnationKey(host);
        listed.add(key);
        const watched = known.get(key);
        if (watched === undefined)
          known.set(key, { host, watch: NEW_WATCH, incident: undefined, isReported: false });
        else watched.host = host;
      }
      if (!snapshot.complete) return;
      for (const [key, watched] of known) {
        if (listed.has(key)) continue;
        watched.incident?.abort();
        known.delete(key);
      }
    },
  };
}

/** A host whose failure matters: opted in, in active service, and meant to answer. */
function isDue({ managed, lifecycle, inLoadBalancer, state }: Host): boolean {
  return managed && lifecycle === 'active' && (inLoadBalancer || state === 'running');
}

function incarnationKey({ incarnation }: Host): string {
  const { account, region, instanceId, launchedAtMs } = incarnation;
  return JSON.stringify([account, region, instanceId, launchedAtMs]);
}
