import { z } from 'zod';
import type { Host } from '../ports/fleet.ts';
import { definePrecondition } from './define-precondition.ts';
import { peersOf, readInventory } from './inventory.ts';
import type { PeerHealth } from './peer-health.ts';
import { lookAtPeers, namePeers } from './peer-health.ts';
import type { Verdict } from './precondition.ts';

/**
 * A stateful cluster can bear the loss of the failed host: enough of its other members are healthy, everything that is
 * not healthy lies in one zone, and the failed host's own replica set keeps healthy copies.
 *
 * @remarks Source: Ratequeue post ("validates the state of the entire cluster"); DESIGN: never two members of one
 * replica set, one zone at a time.
 */
export const clusterHealth = definePrecondition({
  name: 'ClusterHealth',
  summary: 'The cluster can bear the loss of the failed host.',
  params: z.strictObject({
    /** Fewest healthy members as a share of the members other than the failed one. */
    min_healthy_fraction: z
      .number()
      .gt(0)
      .max(1)
      .default(0.5)
      .describe('Fewest healthy other members, as a share'),
    /** Whether unhealthy members may lie in one zone only. */
    one_zone: z.boolean().default(true).describe('Whether all unhealthy members must lie in one zone'),
    /** Tag whose value names the replica set (shard) of a host; without it, replica sets are not looked at. */
    replica_set_tag: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe('Tag that names the replica set of a host'),
    /** Fewest healthy members that remain in the failed host's replica set. */
    min_replicas: z
      .int()
      .min(1)
      .max(100)
      .default(1)
      .describe('Fewest healthy members left in the replica set'),
  }),
  mainParam: 'min_healthy_fraction',
  usesProbe: true,
  check: async (context) => {
    const { target, params } = context;
    if (target === undefined)
      return { verdict: 'fail', reason: 'the event names no host that the provider knows' };
    const read = await readInventory(context);
    if (!read.ok) return read.verdict;
    const members = await lookAtPeers(peersOf(read.inventory), read.inventory, context);
    const problem =
      enoughHealthy(members, params.min_healthy_fraction) ??
      (params.one_zone ? inOneZone(members, target) : undefined) ??
      replicaSet(members, target, params);
    const evidence = {
      members: members.length,
      healthy: members.filter((member) => member.isHealthy).length,
    };
    return problem === undefined
      ? { verdict: 'pass', evidence }
      : ({ verdict: 'fail', reason: problem, evidence } satisfies Verdict);
  },
});

function enoughHealthy(members: readonly PeerHealth[], fraction: number): string | undefined {
  if (members.length === 0) return 'the cluster has no other member';
  const healthy = members.filter((member) => member.isHealthy).length;
  if (healthy >= members.length * fraction) return undefined;
  return `${healthy} of ${members.length} other members are healthy, ${Math.round(fraction * 100)} % are needed`;
}

function inOneZone(members: readonly PeerHealth[], target: Host): string | undefined {
  const elsewhere = members.filter((member) => !member.isHealthy && member.host.zone !== target.zone);
  return elsewhere.length === 0
    ? undefined
    : `members outside ${target.zone} are not healthy: ${namePeers(elsewhere)}`;
}

function replicaSet(
  members: readonly PeerHealth[],
  target: Host,
  params: { readonly replica_set_tag?: string | undefined; readonly min_replicas: number },
): string | undefined {
  const tag = params.replica_set_tag;
  if (tag === undefined) return undefined;
  const name = target.tags[tag];
  if (name === undefined) return `${target.name} has no tag ${tag}, so its replica set is unknown`;
  const replicas = members.filter((member) => member.host.tags[tag] === name);
  const unhealthy = replicas.filter((member) => !member.isHealthy);
  if (unhealthy.length > 0)
    return `replica set ${name} has another member that is not healthy: ${namePeers(unhealthy)}`;
  if (replicas.length >= params.min_replicas) return undefined;
  return `replica set ${name} has ${replicas.length} other healthy members, ${params.min_replicas} are needed`;
}
