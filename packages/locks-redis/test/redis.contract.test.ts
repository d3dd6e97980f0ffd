import { createSystemClock } from '@lazarus/core';
import {
  describeBudgetsContract,
  describeLocksContract,
  describePausesContract,
  describeRolloutStoreContract,
  describeWindowsContract,
} from '@lazarus/testing/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RedisConnection } from '../src/index.ts';
import {
  connectRedis,
  createRedisBudgets,
  createRedisLocks,
  createRedisPauses,
  createRedisRolloutStore,
  createRedisWindows,
} from '../src/index.ts';
import type { RedisServer } from '../../../tools/redis-server.ts';
import { startRedis, whyNoRedis, withRedis } from '../../../tools/redis-server.ts';

const clock = createSystemClock();
let server: RedisServer;
let contracts = 0;

/** Two connections to an empty store, as two nodes have; nothing was lost, and that is known. */
async function twoNodes(): Promise<{ redis: [RedisConnection, RedisConnection]; close(): Promise<void> }> {
  contracts += 1;
  const options = {
    url: server.url,
    prefix: `contract-${contracts}`,
    graceMs: 0,
    deadlineMs: 5_000,
    clock,
  };
  const redis: [RedisConnection, RedisConnection] = [
    await connectRedis(options),
    await connectRedis(options),
  ];
  return {
    redis,
    close: async () => {
      await Promise.all(redis.map((each) => each.close()));
    },
  };
}

const history = async () => [];

describe.skipIf(whyNoRedis() !== undefined)(withRedis('a real Redis'), () => {
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  const runner = { describe, it, expect };

  describeLocksContract(runner, {
    name: 'redis',
    ttlMs: 600,
    create: async () => {
      const { redis, close } = await twoNodes();
      const nodes = [
        createRedisLocks({ redis: redis[0], clock }),
        createRedisLocks({ redis: redis[1], clock }),
      ] as const;
      return {
        nodes,
        elapse: (ms) => clock.sleep(ms),
        breakLock: async (target) => {
          await nodes[0].breakLock(target);
        },
        close: async () => {
          await Promise.all(nodes.map((each) => each.close()));
          await close();
        },
      };
    },
  });

  describeWindowsContract(runner, {
    name: 'redis',
    windowMs: 3_000,
    tickMs: 400,
    create: async (breaker) => {
      const { redis, close } = await twoNodes();
      const [a, b] = redis.map((each) => createRedisWindows({ redis: each, clock, breaker, history }));
      await Promise.all([a!.hydrate([]), b!.hydrate([])]);
      return {
        nodes: [a!, b!],
        addHistory: (past) => a!.hydrate(past),
        elapse: (ms) => clock.sleep(ms),
        close: async () => {
          await Promise.all([a!.close(), b!.close()]);
          await close();
        },
      };
    },
  });

  describeBudgetsContract(runner, {
    name: 'redis',
    hourMs: 1_000,
    create: async (hourMs) => {
      const { redis, close } = await twoNodes();
      const [a, b] = redis.map((each) => createRedisBudgets({ redis: each, clock, hourMs, history }));
      await Promise.all([a!.hydrate([]), b!.hydrate([])]);
      return {
        nodes: [a!, b!],
        elapse: (ms) => clock.sleep(ms),
        close: async () => {
          await Promise.all([a!.close(), b!.close()]);
          await close();
        },
      };
    },
  });

  describeRolloutStoreContract(runner, {
    name: 'redis',
    create: async () => {
      const { redis, close } = await twoNodes();
      const [a, b] = redis.map((each) => createRedisRolloutStore({ redis: each, clock, history }));
      await Promise.all([a!.hydrate([]), b!.hydrate([])]);
      return {
        nodes: [a!, b!],
        close: async () => {
          await Promise.all([a!.close(), b!.close()]);
          await close();
        },
      };
    },
  });

  describePausesContract(runner, {
    name: 'redis',
    tickMs: 200,
    create: async () => {
      const { redis, close } = await twoNodes();
      const [a, b] = redis.map((each) => createRedisPauses({ redis: each, clock, history }));
      await expect.poll(() => a!.active({ region: 'r', service: 's' })).toBeUndefined();
      return {
        nodes: [a!, b!],
        now: () => clock.now(),
        elapse: (ms) => clock.sleep(ms),
        close: async () => {
          await Promise.all([a!.close(), b!.close()]);
          await close();
        },
      };
    },
  });
});
