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
  /** Workers that are about to be there: what is free is left to them until it stood still for `failoverMs`. */
  readonly expectedWorkers: number;
  /** In `[0, 1)`: which of several candidates to take. */
  readonly chance: number;
}

function stoodStill(lease: ShardLease, input: TakeInput): boolean {
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
 * How many free leases a worker takes at once: up to its whole part, and after that one of the leases that are left over,
 * when it is not others' turn. Workers that start together would otherwise take everything from each other again, with
 * records in flight.
 */
function modestRoom(
  active: number,
  mine: number,
  held: ReadonlyMap<string, readonly ShardLease[]>,
  expectedWorkers: number,
): number {
  const workers = Math.max(held.size + 1, expectedWorkers);
  const whole = Math.floor(active / workers);
  if (mine < whole) return whole - mine;
  const withOneMore = [...held.values()].filter((leases) => leases.length > whole).length;
  return mine === whole && withOneMore < active % workers ? 1 : 0;
}

/**
 * Chooses the leases that this worker takes now: free ones up to its share (of the expected workers at first); when none
 * is free and it has less than its
 * share, one from the worker that has too many. Everybody with this rule comes to rest at even shares.
 *
 * @remarks Source: lease assignment of the Kinesis Client Library (expired first, then steal).
 */
export function planTakes(input: TakeInput): readonly ShardLease[] {
  const active = input.leases.filter((lease) => lease.checkpoint.at !== 'SHARD_END');
  const mine = active.filter((lease) => lease.owner === input.worker);
  const others = active.filter((lease) => lease.owner !== input.worker);
  const overdue = others.filter((lease) => stoodStill(lease, input));
  const free = others.filter((lease) => lease.owner === undefined || overdue.includes(lease));
  const held = Map.groupBy(
    others.filter((lease) => !free.includes(lease)),
    (lease) => lease.owner ?? '',
  );
  const share = Math.ceil(active.length / (held.size + 1));
  const room = share - mine.length;
  if (room <= 0) return [];
  if (free.length > 0) {
    const modest = pick(
      free,
      modestRoom(active.length, mine.length, held, input.expectedWorkers),
      input.chance,
    );
    return [...modest, ...overdue.filter((lease) => !modest.includes(lease))].slice(0, room);
  }
  // Shares at rest differ by one at most. Who lacks one takes only from somebody above the share; who lacks more takes
  // also from somebody at it. Neither makes a new imbalance, so nothing is taken back and forth.
  const most = mostLoaded(held);
  return most.length > share || (most.length === share && room > 1) ? pick(most, 1, input.chance) : [];
}
