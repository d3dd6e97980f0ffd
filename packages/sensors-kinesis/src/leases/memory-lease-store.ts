import type { LeaseStore, ShardLease } from './lease.ts';

/** Makes a lease store for the workers of one process; a restart begins anew. */
export function createMemoryLeaseStore(): LeaseStore {
  const streams = new Map<string, Map<string, ShardLease>>();
  const leasesOf = (stream: string): Map<string, ShardLease> => {
    const known = streams.get(stream) ?? new Map<string, ShardLease>();
    streams.set(stream, known);
    return known;
  };
  return {
    list: async (stream) => [...leasesOf(stream).values()],
    create: async (stream, { shardId, checkpoint }) => {
      const leases = leasesOf(stream);
      if (leases.has(shardId)) return false;
      leases.set(shardId, { shardId, counter: 0, checkpoint });
      return true;
    },
    update: async (stream, shardId, counter, { owner, checkpoint }) => {
      const leases = leasesOf(stream);
      if (leases.get(shardId)?.counter !== counter) return undefined;
      const next = { shardId, counter: counter + 1, checkpoint, ...(owner === undefined ? {} : { owner }) };
      leases.set(shardId, next);
      return next;
    },
    remove: async (stream, shardId, counter) =>
      leasesOf(stream).get(shardId)?.counter === counter && leasesOf(stream).delete(shardId),
  };
}
