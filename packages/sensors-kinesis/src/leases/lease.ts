/** How far a shard has been handled. */
export type Checkpoint =
  | { readonly at: 'TRIM_HORIZON' }
  | { readonly at: 'LATEST' }
  /** Everything up to and including this record has its terminal decision record. */
  | { readonly at: 'SEQUENCE'; readonly sequence: string }
  /** Everything was handled and nothing will follow. */
  | { readonly at: 'SHARD_END' };

/** Who reads a shard and how far it got. One row per shard. */
export interface ShardLease {
  readonly shardId: string;
  /** Worker that reads it; absent when it is free. */
  readonly owner?: string;
  /** Grows with every write: a writer that saw an older value has lost the lease. */
  readonly counter: number;
  readonly checkpoint: Checkpoint;
}

/** What a write changes; `owner: undefined` frees the lease. */
export interface LeaseChange {
  readonly owner: string | undefined;
  readonly checkpoint: Checkpoint;
}

/**
 * Where leases live. Every write is a compare-and-set on the counter, so that a worker that was paused cannot move a
 * checkpoint that is no longer its own.
 */
export interface LeaseStore {
  /** All leases of a stream. @throws PortError `LZ_STREAM_READ` when the store cannot be read. */
  list(stream: string): Promise<readonly ShardLease[]>;
  /** Adds a free lease with the store's first counter; false when there is one already. */
  create(
    stream: string,
    lease: { readonly shardId: string; readonly checkpoint: Checkpoint },
  ): Promise<boolean>;
  /** Writes when the counter is still `counter`, and adds 1 to it; `undefined` when it was not. */
  update(
    stream: string,
    shardId: string,
    counter: number,
    change: LeaseChange,
  ): Promise<ShardLease | undefined>;
  /** Removes the lease of a shard that no longer exists, when the counter is still `counter`. */
  remove(stream: string, shardId: string, counter: number): Promise<boolean>;
}
