import type { Clock, Fleet, FleetSnapshot, Host } from '@lazarus/core/ports';

import { PortError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import { z } from 'zod';

import type { AwsConnection } from './aws-connection.ts';
import { listInstances } from './instances.ts';
import { InventoryOptions, toHost } from './inventory.ts';
import { fleetError } from './provider-failure.ts';
import { judgeListing, type SeenHosts } from './shrinkage.ts';
import { createTargetGroups, isMember, type TargetGroups } from './target-groups.ts';

/** Options of {@link createAwsFleet}. */
export const AwsFleetOptions = InventoryOptions.extend({
  /** How long a listing serves further callers, milliseconds; 0 switches that off. */
  cacheMs: z.int().min(0).max(60_000).default(1000),
  /** Instances per page of a listing, as EC2 allows. */
  pageSize: z.int().min(5).max(1000).default(200),
  /** When a listing without an error still counts as partial, because hosts vanished from it that nobody took away. */
  shrinkage: z
    .strictObject({
      windowMs: z.int().min(0).max(3_600_000).default(600_000),
      /** A listing may lack this share of the hosts that were in service within the window, 0 to 1. */
      maxLostShare: z.number().min(0).max(1).default(0.2),
      /** Fewer hosts than this are never too many. */
      minLost: z.int().min(1).max(1000).default(2),
    })
    .prefault({}),
});

/** Options as a caller writes them. */
export type AwsFleetOptionsInput = z.input<typeof AwsFleetOptions>;

/** Every state but `terminated`. */
const LIVING = ['pending', 'running', 'shutting-down', 'stopping', 'stopped'];

/** Services about which something is kept; the oldest goes first. */
const MAX_CACHED = 1000;

interface Cached {
  readonly startedAtMs: number;
  readonly listing: Promise<FleetSnapshot>;
}

async function readMembers(
  groups: TargetGroups,
  service: string,
): Promise<{ readonly members: ReadonlySet<string>; readonly complete: boolean }> {
  const members = new Set<string>();
  try {
    for (const group of await groups.ofService(service, undefined)) {
      for (const { hostId, state } of await groups.targetsOf(group, undefined)) {
        if (isMember(state)) members.add(hostId);
      }
    }
    return { members, complete: true };
  } catch {
    // Without the load balancer's word the listing says nothing about membership. Keeps S8.
    return { members, complete: false };
  }
}

/** Keeps a value as the newest, and no more than {@link MAX_CACHED}. */
function remember<T>(map: Map<string, T>, service: string, value: T): void {
  map.delete(service);
  const oldest = map.size >= MAX_CACHED ? map.keys().next().value : undefined;
  if (oldest !== undefined) map.delete(oldest);
  map.set(service, value);
}

/** Waits for a shared result, but not longer than one caller wants to. */
async function orAborted<T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return result;
  signal.throwIfAborted();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Makes the directory of hosts on EC2 and Elastic Load Balancing v2. Concurrent callers share one listing. A listing that
 * is not whole says so, and a host that is missing from such a one is an error, not an absence. Keeps S8 and S16.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 */
export function createAwsFleet(
  options: AwsFleetOptionsInput & { readonly aws: AwsConnection; readonly clock: Clock },
): Fleet {
  const { aws, clock, ...rest } = options;
  const settings = parseOptions('createAwsFleet', AwsFleetOptions, rest);
  const { cacheMs, pageSize, shrinkage, ...inventory } = settings;
  const groups = createTargetGroups({ aws, clock, serviceTag: inventory.serviceTag });
  const cache = new Map<string, Cached>();
  const seen = new Map<string, SeenHosts>();

  const read = async (service: string): Promise<FleetSnapshot> => {
    const observedAtMs = clock.monotonic();
    const filters = [
      { Name: `tag:${inventory.serviceTag}`, Values: [service.replaceAll(/[*?\\]/g, '\\$&')] },
      { Name: 'instance-state-name', Values: LIVING },
    ];
    try {
      const [{ instances, complete }, membership] = await Promise.all([
        listInstances(aws, filters, undefined, pageSize),
        readMembers(groups, service),
      ]);
      const hosts = instances
        .map((owned) => {
          const inLoadBalancer = membership.members.has(owned.instance.InstanceId ?? '');
          return toHost(owned, { inventory, region: aws.region, inLoadBalancer });
        })
        .filter((host) => host.service === service);
      const { state, verdict } = judgeListing(shrinkage, seen.get(service) ?? {}, hosts, observedAtMs);
      if (complete) remember(seen, service, state);
      return { service, hosts, complete: complete && membership.complete && verdict.complete, observedAtMs };
    } catch (error) {
      throw fleetError(`the hosts of ${service}`, error);
    }
  };

  const list = (service: string, signal: AbortSignal | undefined): Promise<FleetSnapshot> => {
    const kept = cache.get(service);
    if (kept !== undefined && clock.monotonic() - kept.startedAtMs < cacheMs)
      return orAborted(kept.listing, signal);
    const listing = read(service);
    const entry = { startedAtMs: clock.monotonic(), listing };
    remember(cache, service, entry);
    // A failure or half a list is nothing to keep.
    const forget = (): void => {
      if (cache.get(service) === entry) cache.delete(service);
    };
    listing.then((snapshot) => {
      if (!snapshot.complete) forget();
    }, forget);
    return orAborted(listing, signal);
  };

  const find = async (
    service: string,
    reference: string,
    signal: AbortSignal | undefined,
  ): Promise<Host | undefined> => {
    const { hosts, complete } = await list(service, signal);
    const byId = hosts.find(({ hostId }) => hostId === reference);
    if (byId !== undefined) return byId;
    if (!complete) {
      throw new PortError({
        code: 'LZ_FLEET_UNAVAILABLE',
        message: `the provider listed only a part of ${service}: whether ${reference} is the only host of that name is unknown`,
        retryable: true,
      });
    }
    const named = hosts.filter(({ name }) => name === reference);
    return named.length === 1 ? named[0] : undefined;
  };

  return {
    list: async (service, call) => list(service, call?.signal),
    find: async ({ service, host }, call) => find(service, host, call?.signal),
  };
}
