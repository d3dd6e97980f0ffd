import type { Instance, Reservation } from '@aws-sdk/client-ec2';
import { parseOptions } from '@lazarus/core';
import type { Clock, Fleet, FleetSnapshot, Host } from '@lazarus/core/ports';
import { z } from 'zod';
import type { AwsConnection } from './aws-connection.ts';
import { look } from './aws-failure.ts';
import { hostFromInstance, TAGS } from './host-from-instance.ts';
import { createTargetGroups, isMember } from './target-groups.ts';

/** Options of {@link createAwsFleet}. */
export const AwsFleetOptions = z.strictObject({
  /** How long a listing serves everybody who asks, so that a storm does not throttle the provider. 0 turns it off. */
  listForMs: z.number().int().min(0).max(60_000).default(1_000),
  /** How long it is remembered which target groups exist. */
  groupsForMs: z.number().int().min(0).max(3_600_000).default(60_000),
});

const PAGE = 1_000;
const LIVING = ['pending', 'running', 'shutting-down', 'stopping', 'stopped'];

/** Pages of one listing that have no further page after them. */
interface Listing {
  readonly atMs: number;
  readonly snapshot: Promise<FleetSnapshot>;
}

/**
 * The directory of hosts on EC2 and ELBv2: a host belongs to a service by its `service` tag. A listing is complete or it
 * fails; it is never partly there. Keeps S8 and S16.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 */
export function createAwsFleet(
  aws: AwsConnection,
  options: z.input<typeof AwsFleetOptions> & { readonly clock: Clock },
): Fleet {
  const { clock, ...rest } = options;
  const settings = parseOptions('createAwsFleet', AwsFleetOptions, rest);
  const groups = createTargetGroups(aws, { clock, groupsForMs: settings.groupsForMs });
  const listings = new Map<string, Listing>();

  async function fetchService(service: string, signal: AbortSignal | undefined): Promise<FleetSnapshot> {
    const observedAtMs = clock.monotonic();
    return look(`list the hosts of ${service}`, signal, async () => {
      const [reservations, targets] = await Promise.all([
        fetchReservations(aws, service, signal),
        groups.targets(service, signal),
      ]);
      const members = new Set(targets.filter(({ state }) => isMember(state)).map(({ hostId }) => hostId));
      const hosts = reservations.flatMap((reservation) => hostsOf(reservation, aws.region, members));
      return { service, hosts, complete: true, observedAtMs };
    });
  }

  function list(service: string, signal: AbortSignal | undefined): Promise<FleetSnapshot> {
    const nowMs = clock.monotonic();
    const held = listings.get(service);
    if (held !== undefined && nowMs - held.atMs < settings.listForMs) return held.snapshot;
    const snapshot = fetchService(service, signal);
    listings.set(service, { atMs: nowMs, snapshot });
    snapshot.catch(() => listings.delete(service));
    return snapshot;
  }

  return {
    // A shared listing must not end because one of those who wait for it gave up.
    list: (service) => list(service, undefined),
    async find({ service, host }) {
      const { hosts } = await list(service, undefined);
      const byId = hosts.find(({ hostId }) => hostId === host);
      if (byId !== undefined) return byId;
      const named = hosts.filter(({ name }) => name === host);
      return named.length === 1 ? named[0] : undefined;
    },
  };
}

function hostsOf(reservation: Reservation, region: string, members: ReadonlySet<string>): Host[] {
  return (reservation.Instances ?? []).flatMap((instance: Instance) => {
    const inLoadBalancer = members.has(instance.InstanceId ?? '');
    const host = hostFromInstance(instance, { account: reservation.OwnerId ?? '', region, inLoadBalancer });
    return host === undefined ? [] : [host];
  });
}

async function fetchReservations(
  aws: AwsConnection,
  service: string,
  signal: AbortSignal | undefined,
): Promise<readonly Reservation[]> {
  const found: Reservation[] = [];
  let token: string | undefined;
  do {
    const page = await aws.ec2.send(
      new aws.sdk.ec2.DescribeInstancesCommand({
        Filters: [
          { Name: `tag:${TAGS.service}`, Values: [service] },
          { Name: 'instance-state-name', Values: LIVING },
        ],
        MaxResults: PAGE,
        ...(token === undefined ? {} : { NextToken: token }),
      }),
      signal === undefined ? {} : { abortSignal: signal },
    );
    found.push(...(page.Reservations ?? []));
    token = page.NextToken;
  } while (token !== undefined && token !== '');
  return found;
}
