import { createSystemClock } from '@lazarus/core';
import type { Lease, LockTarget } from '@lazarus/core/ports';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RedisLocks } from '../src/index.ts';
import { connectRedis, createRedisLocks } from '../src/index.ts';
import type { RedisServer } from '../../../tools/redis-server.ts';
import { startRedis, whyNoRedis, withRedis } from '../../../tools/redis-server.ts';

const clock = createSystemClock();
let server: RedisServer;
let stores = 0;
const open: { close(): Promise<void> }[] = [];

interface Node {
  readonly locks: RedisLocks;
  /** Takes a lock that nobody else holds. */
  take(service: string, ttlMs: number): Promise<Lease>;
}

async function node(prefix: string): Promise<Node> {
  const redis = await connectRedis({ url: server.url, prefix, graceMs: 0, deadlineMs: 5_000, clock });
  // Only calls over a connection that is ready share a command.
  await redis.health();
  const locks = createRedisLocks({ redis, clock });
  open.unshift(locks, redis);
  return {
    locks,
    take: async (service, ttlMs) => {
      const grant = await locks.acquire({ target: host(service), holder: `of-${service}`, ttlMs });
      if (!grant.granted) throw new Error(`held by ${grant.heldBy}`);
      return grant.lease;
    },
  };
}

const host = (service: string): LockTarget => ({ kind: 'host', service, host: 'i-1' });

describe.skipIf(whyNoRedis() !== undefined)(withRedis('locks on one server'), () => {
  let prefix: string;
  let hash: string;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    for (const thing of open.splice(0)) await thing.close();
  });
  const begin = (): Promise<Node> => {
    prefix = `hash-${(stores += 1)}`;
    hash = `{${prefix}}:locks`;
    return node(prefix);
  };

  it('S4: the hash outlives a grant of 60 s that shared its command with a refused request for 1 h', async () => {
    const dead = await begin();
    await dead.take('api', 2_000);
    await dead.locks.close();
    const { locks, take } = await node(prefix);
    const [refused, lease] = await Promise.all([
      locks.acquire({ target: host('api'), holder: 'other', ttlMs: 3_600_000 }),
      take('web', 60_000),
    ]);
    expect(refused.granted).toBe(false);
    expect(await server.admin.pttl(hash)).toBeGreaterThanOrEqual(lease.remainingMs());
  });

  it('S4: the hash outlives a grant of 60 s that shared its command with one of 1 s', async () => {
    const { take } = await begin();
    const [, long] = await Promise.all([take('api', 1_000), take('web', 60_000)]);
    expect(await server.admin.pttl(hash)).toBeGreaterThanOrEqual(long.remainingMs());
  });

  it('L3: a grant that arrives after close() is given back, and its caller refused', async () => {
    const [{ locks, take }, other] = [await begin(), await node(prefix)];
    await (await take('warm', 1_000)).release();
    const asked = locks.acquire({ target: host('web'), holder: 'late', ttlMs: 600_000 });
    await locks.close();
    await expect(asked).rejects.toMatchObject({ code: 'LZ_LOCK_UNAVAILABLE', retryable: false });
    expect(await other.locks.inspect(host('web'))).toBeUndefined();
    await expect(
      locks.acquire({ target: host('web'), holder: 'later', ttlMs: 600_000 }),
    ).rejects.toMatchObject({ code: 'LZ_LOCK_UNAVAILABLE' });
  });

  it('L3: the hash loses what 500 services left behind while one other service goes on', async () => {
    const dead = await begin();
    await Promise.all(Array.from({ length: 500 }, (_, n) => dead.take(`gone-${n}`, 1_000)));
    await dead.locks.close();
    const { take } = await node(prefix);
    const kept = await take('kept', 60_000);
    await clock.sleep(1_100);
    expect(await server.admin.hlen(hash)).toBeGreaterThan(400);
    for (let n = 0; n < 800; n += 1) await (await take('web', 60_000)).release();
    expect(await server.admin.hlen(hash)).toBeLessThan(150);
    expect(kept.remainingMs()).toBeGreaterThan(0);
    expect(await (await node(prefix)).locks.inspect(host('kept'))).toMatchObject({ heldBy: 'of-kept' });
  });
});
