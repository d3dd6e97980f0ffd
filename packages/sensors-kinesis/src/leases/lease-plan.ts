import type { ShardLease } from './lease.ts';

/**
 * When this worker last saw each counter change, by its own monotonic clock. Clocks of workers are never compared.
 */
export type LeaseSightings = ReadonlyMap<string, { readonly counter: number; readonly sinceMs: number }>;

/** Notes the counters of a listing. */
export function sightLeases(
  before: LeaseSightings,
  leases: readonly ShardLease[],
  nowMs: number,
): LeaseSightings {
  return new Map(
    leases.map(({ shardId, counter }) => {
      const seen = before.get(shardId);
      return [shardId, seen?.counter === counter ? seen : { counter, sinceMs: nowMs }];
    }),
  );
}

/** What {@link planTakes} decides from. */
export interface TakeInput {
  readonly leases: readonly ShardLease[];
  readonly worker: string;
  readonly sightings: LeaseSightings;
  readonly nowMs: number;
  /** A lease whose counter stood still for this long is free for all. */
  readonly failoverMs: number;
  /** In `[0, 1)`: which of several candidates to take. */
  readonly chance: number;
}

function isFree(lease: ShardLease, input: TakeInput): boolean {
  if (lease.owner === undefined) return true;
  const seen = input.sightings.get(lease.shardId);
  return seen?.counter === lease.counter && input.nowMs - seen.sinceMs >= input.failoverMs;
}

function pick<T>(items: readonly T[], count: number, chance: number): readonly T[] {
  const start = Math.floor(chance * items.length);
  return [...items.slice(start), ...items.slice(0, start)].slice(0, count);
}

/** The leases of the worker that has the most. */
function mostLoaded(held: ReadonlyMap<string, readonly ShardLease[]>): readonly ShardLease[] {
  return [...held.values()].reduce((best, leases) => (leases.length > best.length ? leases : best), []);
}

/**
 * Chooses the leases that this worker takes now: free ones up to its share; when none is free and it has less than its
 * share, one from the worker that has too many. Everybody with this rule comes to rest at even shares.
 *
 * @remarks Source: lease assignment of the Kinesis Client Library (expired first, then steal).
 */
export function planTakes(input: TakeInput): readonly ShardLease[] {
  const active = input.leases.filter((lease) => lease.checkpoint.at !== 'SHARD_END');
  const mine = active.filter((lease) => lease.owner === input.worker);
  const others = active.filter((lease) => lease.owner !== input.worker);
  const free = others.filter((lease) => isFree(lease, input));
  const held = Map.groupBy(
    others.filter((lease) => !free.includes(lease)),
    (lease) => lease.owner ?? '',
  );
  const share = Math.ceil(active.length / (held.size + 1));
  const room = share - mine.length;
  if (room <= 0) return [];
  if (free.length > 0) return pick(free, room, input.chance);
  // Shares at rest differ by one at most. Who lacks one takes only from somebody above the share; who lacks more takes
  // also from somebody at it. Neither makes a new imbalance, so nothing is taken back and forth.
  const most = mostLoaded(held);
  return most.length > share || (most.length === share && room > 1) ? pick(most, 1, input.chance) : [];
}
