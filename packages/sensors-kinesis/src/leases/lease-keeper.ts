/**
 * Holds this worker's leases: takes them, renews them, writes their checkpoints and gives them up.
 *
 * 1. Every write is a compare-and-set; one that fails means that somebody else owns the shard now.
 * 2. Writes of one shard follow one another, so that a worker never loses a lease to itself.
 * 3. A lease that could not be renewed for `failoverMs` is given up here before somebody else can take it there.
 */
import type { Clock } from '@lazarus/core/ports';

import type { Checkpoint, LeaseStore, ShardLease } from './lease.ts';

/** What {@link createLeaseKeeper} needs. */
export interface LeaseKeeperOptions {
  readonly store: LeaseStore;
  readonly stream: string;
  readonly worker: string;
  readonly failoverMs: number;
  readonly clock: Clock;
  /** A lease is no longer ours. */
  readonly onLost: (shardId: string) => void;
}

/** The leases of one worker. */
export interface LeaseKeeper {
  readonly held: readonly ShardLease[];
  /** True while it is certain that nobody else has taken the shard. */
  isHeld(shardId: string): boolean;
  /** Tries to take a lease; `undefined` when somebody was faster. */
  take(lease: ShardLease): Promise<ShardLease | undefined>;
  /** Renews one lease, with a new checkpoint when there is one. */
  renew(shardId: string, checkpoint?: Checkpoint): Promise<boolean>;
  /** Frees one lease for others. */
  release(shardId: string): Promise<void>;
  /** Gives up what could not be renewed in time. */
  dropOverdue(): void;
}

interface Held {
  lease: ShardLease;
  renewedAtMs: number;
  /** The last write; the next one waits for it. */
  tail: Promise<unknown>;
}

/** Makes a keeper without leases. */
export function createLeaseKeeper(options: LeaseKeeperOptions): LeaseKeeper {
  const { store, stream, worker, clock } = options;
  const held = new Map<string, Held>();

  const lose = (shardId: string): void => {
    if (held.delete(shardId)) options.onLost(shardId);
  };
  const isFresh = (entry: Held): boolean => clock.monotonic() - entry.renewedAtMs < options.failoverMs;

  const write = async (entry: Held, owner: string | undefined, checkpoint?: Checkpoint): Promise<boolean> => {
    const { shardId } = entry.lease;
    if (held.get(shardId) !== entry) return false;
    const startedAtMs = clock.monotonic();
    const change = { owner, checkpoint: checkpoint ?? entry.lease.checkpoint };
    const next = await store.update(stream, shardId, entry.lease.counter, change);
    if (next === undefined) {
      if (held.get(shardId) === entry) lose(shardId);
      return false;
    }
    entry.lease = next;
    entry.renewedAtMs = startedAtMs;
    return true;
  };
  const enqueue = (entry: Held, work: () => Promise<boolean>): Promise<boolean> => {
    const result = entry.tail.then(work, work);
    entry.tail = result.catch(() => undefined);
    return result;
  };

  return {
    get held() {
      return [...held.values()].map((entry) => entry.lease);
    },
    isHeld: (shardId) => {
      const entry = held.get(shardId);
      return entry !== undefined && isFresh(entry);
    },
    take: async (lease) => {
      const startedAtMs = clock.monotonic();
      const change = { owner: worker, checkpoint: lease.checkpoint };
      const taken = await store.update(stream, lease.shardId, lease.counter, change);
      if (taken !== undefined) {
        held.set(lease.shardId, { lease: taken, renewedAtMs: startedAtMs, tail: Promise.resolve() });
      }
      return taken;
    },
    renew: async (shardId, checkpoint) => {
      const entry = held.get(shardId);
      return entry !== undefined && enqueue(entry, () => write(entry, worker, checkpoint));
    },
    release: async (shardId) => {
      const entry = held.get(shardId);
      if (entry === undefined) return;
      await enqueue(entry, () => write(entry, undefined));
      held.delete(shardId);
    },
    dropOverdue: () => {
      for (const [shardId, entry] of held) if (!isFresh(entry)) lose(shardId);
    },
  };
}
