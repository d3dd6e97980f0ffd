import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { anEvent } from '@lazarus/testing';
import type { RedisServer } from '../../../tools/redis-server.ts';
import { startRedis, whyNoRedis, withRedis } from '../../../tools/redis-server.ts';
import {
  createKinesisStream,
  createRedisLeaseStore,
  type KinesisStream,
  type ShardLease,
} from '../src/index.ts';
import { clock, createRegion, eventually, random, type Region, someEvents } from './region.ts';

/** Of the workers, milliseconds. */
const FAILOVER_MS = 3_000;
/** L3: a dead holder's lock is free within its TTL and 5 s. */
const TAKEOVER_MS = FAILOVER_MS + 5_000;
const PATIENCE_MS = 120_000;
const TIMEOUT_MS = 480_000;

interface Worker {
  readonly name: string;
  readonly child: ChildProcess;
  /** Events that it was handed, in order, repetitions included. */
  readonly events: string[];
  readonly shards: () => number;
  readonly acked: () => boolean;
  ack(): void;
  end(signal: NodeJS.Signals): Promise<void>;
}

let redis: RedisServer;
let region: Region;
let stream: KinesisStream;
let streamName: string;
let streams = 0;
const workers: Worker[] = [];

function startWorker(name: string): Worker {
  const file = fileURLToPath(new URL('stream-worker.ts', import.meta.url));
  const args = ['--conditions=@lazarus/source', file, redis.url, region.endpoint, streamName, name];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => undefined);
  const events: string[] = [];
  let shards = 0;
  let isAcked = false;
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as { event?: string; shards?: number; acked?: boolean };
    if (line.event !== undefined) events.push(line.event);
    shards = line.shards ?? shards;
    isAcked ||= line.acked === true;
  });
  const worker: Worker = {
    name,
    child,
    events,
    shards: () => shards,
    acked: () => isAcked,
    ack: () => void child.stdin.write('ack\n'),
    end: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      await exited;
    },
  };
  workers.push(worker);
  return worker;
}

/** Three workers that share the six shards evenly. */
async function startThree(): Promise<readonly [Worker, Worker, Worker]> {
  const three = [startWorker('a'), startWorker('b'), startWorker('c')] as const;
  await eventually(() => three.every((worker) => worker.shards() === 2), PATIENCE_MS);
  return three;
}

const eventsOf = (...some: readonly Worker[]): readonly string[] => some.flatMap(({ events }) => events);

async function leases(): Promise<readonly ShardLease[]> {
  const store = await createRedisLeaseStore({ url: redis.url, clock, deadlineMs: 5_000 });
  const admin = new Redis(redis.url);
  const [key = ''] = await admin.keys(`lazarus:shards:*/${streamName}@*`);
  admin.disconnect();
  const found = await store.list(key.replace('lazarus:shards:', ''));
  await store.close();
  return found;
}

describe.skipIf(whyNoRedis() !== undefined)(withRedis('three processes on one stream'), () => {
  beforeAll(async () => {
    redis = await startRedis();
    region = await createRegion();
  });
  afterAll(async () => {
    await region.close();
    await redis.stop();
  });
  beforeEach(async () => {
    streamName = `shared-${(streams += 1)}`;
    await region.createStream(streamName, 6);
    stream = await createKinesisStream({ client: region.client, streamName, clock, random });
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.end('SIGKILL')));
    await stream.close();
  });

  it(
    'take 2 of 6 shards each, and hand every one of 90 events out once',
    { timeout: TIMEOUT_MS },
    async () => {
      const three = await startThree();
      await stream.depositAll(someEvents(90));
      await eventually(() => new Set(eventsOf(...three)).size === 90, PATIENCE_MS);
      expect(eventsOf(...three)).toHaveLength(90);
      for (const worker of three) expect(worker.events.length).toBeGreaterThan(0);
    },
  );

  it(
    'S11, L3: a worker that is killed with unfinished events loses none; others have them within its TTL and 5 s',
    { timeout: TIMEOUT_MS },
    async () => {
      const three = await startThree();
      const events = Array.from({ length: 24 }, (_, n) => anEvent({ id: `h${n}`, service: `hold-${n}` }));
      await stream.depositAll(events);
      await eventually(() => new Set(eventsOf(...three)).size === 24, PATIENCE_MS);
      const [dead, ...living] = [...three].sort((x, y) => y.events.length - x.events.length) as [
        Worker,
        Worker,
      ];
      const unfinished = [...dead.events];
      expect(unfinished.length).toBeGreaterThan(0);
      await dead.end('SIGKILL');
      const killedMs = clock.monotonic();
      await eventually(() => unfinished.every((id) => eventsOf(...living).includes(id)), PATIENCE_MS);
      expect(clock.monotonic() - killedMs).toBeLessThan(TAKEOVER_MS);
    },
  );

  it(
    'S11: a worker that was frozen beyond its TTL cannot move a checkpoint when it goes on',
    { timeout: TIMEOUT_MS },
    async () => {
      const three = await startThree();
      await stream.depositAll([anEvent({ id: 'held', service: 'hold' })]);
      // A machine that is too busy to renew moves the shard, so that more than one worker may have been handed it.
      await eventually(() => eventsOf(...three).includes('held'), PATIENCE_MS);
      const frozen = three.find(({ events }) => events.includes('held'))!;
      const living = three.filter((worker) => worker !== frozen);
      const before = (await leases()).filter(({ owner }) => owner === frozen.name);
      frozen.child.kill('SIGSTOP');
      await eventually(() => eventsOf(...living).includes('held'), PATIENCE_MS);
      frozen.ack();
      frozen.child.kill('SIGCONT');
      await eventually(() => frozen.acked(), PATIENCE_MS);
      // Checkpoints are written every 50 ms: twenty chances to do harm.
      await clock.sleep(1_000);
      const shards = new Set(before.map(({ shardId }) => shardId));
      for (const lease of await leases())
        if (shards.has(lease.shardId)) expect(lease.checkpoint.at).toBe('TRIM_HORIZON');
      // The one who owns it now can. The shard may move until then, also back to the one who was frozen.
      await eventually(async () => {
        for (const worker of three) worker.ack();
        return (await leases()).some(({ checkpoint }) => checkpoint.at === 'SEQUENCE');
      }, PATIENCE_MS);
    },
  );

  it(
    'a Redis that is killed and comes back empty costs no event: counters go on above those before',
    { timeout: TIMEOUT_MS },
    async () => {
      const three = await startThree();
      await stream.depositAll(someEvents(30));
      await eventually(() => new Set(eventsOf(...three)).size === 30, PATIENCE_MS);
      const highest = Math.max(...(await leases()).map(({ counter }) => counter));
      await redis.kill();
      await stream.depositAll(someEvents(30, 'later'));
      await redis.restart();
      await eventually(
        () => eventsOf(...three).filter((id) => id.startsWith('later')).length >= 30,
        PATIENCE_MS,
      );
      expect(Math.min(...(await leases()).map(({ counter }) => counter))).toBeGreaterThan(highest);
    },
  );
});
