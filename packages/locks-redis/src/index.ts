export { createRedisBudgets, type RedisBudgets } from './budgets/redis-budgets.ts';
export { connectRedis, type RedisConnection, type RedisHealth } from './connection/connect-redis.ts';
export { RedisConnectionOptions } from './connection/options.ts';
export type { RedisClient } from './connection/redis-client.ts';
export { createRedisLocks, type RedisLocks } from './locks/redis-locks.ts';
export { createRedisPauses, type RedisPauses, RedisPausesOptions } from './pauses/redis-pauses.ts';
export { createRedisRolloutStore, type RedisRolloutStore } from './rollouts/redis-rollout-store.ts';
export { createRedisWindows, type RedisWindows } from './windows/redis-windows.ts';
