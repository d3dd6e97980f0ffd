/**
 * A node in a process of its own: takes locks as told on standard input and says on standard output how it went, one JSON
 * line each. Arguments: address of Redis, name of the holder.
 */
import { createInterface } from 'node:readline';
import { createSystemClock } from '@lazarus/core';
import { connectRedis, createRedisLocks } from '@lazarus/locks-redis';

const [url = '', holder = ''] = process.argv.slice(2);
const clock = createSystemClock();
const redis = await connectRedis({ url, graceMs: 0, deadlineMs: 5_000, clock });
const locks = createRedisLocks({ redis, clock });
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

say({ ready: (await redis.health()).ok });
for await (const line of createInterface({ input: process.stdin })) {
  const { service, ttlMs } = JSON.parse(line) as { service: string; ttlMs: number };
  const grant = await locks.acquire({ target: { kind: 'service', service }, holder, ttlMs });
  if (grant.granted) {
    const { lease } = grant;
    lease.signal.addEventListener('abort', () =>
      say({ service, lost: true, remainingMs: lease.remainingMs() }),
    );
    say({ service, granted: true, token: lease.token });
  } else {
    say({ service, granted: false, heldBy: grant.heldBy });
  }
}
await locks.close();
await redis.close();
