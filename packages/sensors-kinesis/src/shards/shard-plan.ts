import type { Checkpoint, ShardLease } from '../leases/lease.ts';

/** A shard as the stream lists it. */
export interface ListedShard {
  readonly shardId: string;
  /** One after a split, two after a merge. */
  readonly parents: readonly string[];
  /** False once it was split or merged. */
  readonly isOpen: boolean;
}

/** Where a consumer begins that has never read the stream. */
export type InitialPosition = 'TRIM_HORIZON' | 'LATEST';

/** What has to change so that every record is read, and children after their parents. */
export interface ShardPlan {
  readonly create: readonly { readonly shardId: string; readonly checkpoint: Checkpoint }[];
  readonly remove: readonly ShardLease[];
}

/** Shards from which a leased shard descends: reading began after them. */
function ancestorsOfLeased(
  shards: ReadonlyMap<string, ListedShard>,
  leased: ReadonlySet<string>,
): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (shardId: string): void => {
    for (const parent of shards.get(shardId)?.parents ?? []) {
      if (found.has(parent)) continue;
      found.add(parent);
      visit(parent);
    }
  };
  for (const shardId of leased) visit(shardId);
  return found;
}

function planFirstStart(
  shards: ReadonlyMap<string, ListedShard>,
  initial: InitialPosition,
): ShardPlan['create'] {
  const all = [...shards.values()];
  const first =
    initial === 'LATEST'
      ? all.filter((shard) => shard.isOpen)
      : all.filter((shard) => !shard.parents.some((parent) => shards.has(parent)));
  return first.map(({ shardId }) => ({ shardId, checkpoint: { at: initial } }));
}

/**
 * Compares the stream with the leases. A child gets its lease when all of its parents have been read to the end, and
 * always begins at its first record. A parent that is too old to be listed counts as read: otherwise its whole subtree
 * would never be read.
 *
 * @remarks Source: lease lifecycle of the Kinesis Client Library.
 */
export function planShards(
  listed: readonly ListedShard[],
  leases: readonly ShardLease[],
  initial: InitialPosition,
): ShardPlan {
  const shards = new Map(listed.map((shard) => [shard.shardId, shard]));
  const known = new Map(leases.map((lease) => [lease.shardId, lease]));
  if (known.size === 0) return { create: planFirstStart(shards, initial), remove: [] };

  const skipped = ancestorsOfLeased(shards, new Set(known.keys()));
  const isRead = (parent: string): boolean => {
    const lease = known.get(parent);
    return lease === undefined
      ? !shards.has(parent) || skipped.has(parent)
      : lease.checkpoint.at === 'SHARD_END';
  };
  const create = listed
    .filter(({ shardId }) => !known.has(shardId) && !skipped.has(shardId))
    .filter(({ parents }) => parents.every(isRead))
    .map(({ shardId }) => ({ shardId, checkpoint: { at: 'TRIM_HORIZON' as const } }));
  // A lease at its end stays as a mark for its children until the stream itself has forgotten the shard.
  const remove = leases.filter(
    ({ shardId, checkpoint }) => checkpoint.at === 'SHARD_END' && !shards.has(shardId),
  );
  return { create, remove };
}
