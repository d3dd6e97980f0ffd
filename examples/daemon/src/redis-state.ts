import type { Clock, Logger } from '@lazarus/core/ports';
import {
  connectRedis,
  createRedisBudgets,
  createRedisLocks,
  createRedisPauses,
  createRedisRolloutStore,
  createRedisWindows,
} from '@lazarus/locks-redis';
import type { breakerOf, OwnRecord, Shared } from './shared-state.ts';

/** Connects to what the nodes of the region share. While Redis is away everything is suspended. */
export async function openRedis(
  settings: { readonly url: string; readonly grace: number; readonly region: string },
  ports: {
    readonly record: OwnRecord;
    readonly breaker: ReturnType<typeof breakerOf>;
    readonly clock: Clock;
    readonly log: Logger;
    readonly knownServices: () => number | undefined;
    readonly thresholds: () => ReturnType<typeof breakerOf>;
  },
): Promise<Shared> {
  const { record, breaker, clock, log, knownServices, thresholds } = ports;
  const redis = await connectRedis({
    url: settings.url,
    prefix: `lazarus-${settings.region}`,
    graceMs: settings.grace,
    clock,
    log,
  });
  const common = { redis, clock, log };
  const windows = createRedisWindows({
    ...common,
    breaker,
    knownServices,
    thresholds,
    history: record.observations,
  });
  const budgets = createRedisBudgets({ ...common, history: record.reservations });
  const pauses = createRedisPauses({ ...common, history: record.pauses.read, save: record.pauses.write });
  const rollouts = createRedisRolloutStore({
    ...common,
    history: record.rollouts.read,
    save: record.rollouts.write,
  });
  const locks = createRedisLocks(common);
  return {
    windows,
    budgets,
    pauses,
    rollouts,
    locks,
    checks: [{ name: 'shared state', check: () => requireHealthy(redis.health()) }],
    close: async () => {
      for (const each of [windows, budgets, pauses, rollouts, locks, redis]) await each.close();
    },
  };
}

async function requireHealthy(
  health: Promise<{ readonly ok: true } | { readonly ok: false; readonly reason: string }>,
): Promise<undefined> {
  const answer = await health;
  if (!answer.ok) throw new Error(answer.reason);
  return undefined;
}
