import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { anEvent } from '@lazarus/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { RedisServer } from '../../../tools/redis-server.ts';
import { startRedis, whyNoRedis, withRedis } from '../../../tools/redis-server.ts';
import { createKinesisSensor, createKinesisStream, createRedisLeaseStore } from '../src/index.ts';
import { clock, createRegion, credentials, drain, eventually, idOf, random, type Region } from './region.ts';

const PATIENCE_MS = 60_000;
const TIMEOUT_MS = 180_000;

/** An address that leads new connections somewhere else, and leaves the old ones where they are, as a name does. */
async function createAddress(first: number) {
  let port = first;
  const sockets = new Set<Socket>();
  const server = createServer((incoming) => {
    const outgoing = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `redis://127.0.0.1:${address.port}`,
    leadTo: (next: number) => (port = next),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe.skipIf(whyNoRedis() !== undefined)(withRedis('leases when Redis fails over'), () => {
  let region: Region;
  let primary: RedisServer;
  let replica: RedisServer;
  const open: { close(): Promise<void> }[] = [];

  beforeEach(async () => {
    region = await createRegion();
    primary = await startRedis({ 'repl-diskless-sync-delay': '0' });
    replica = await startRedis({ replicaof: `127.0.0.1 ${primary.port}` });
    await eventually(
      async () => (await replica.admin.info('replication')).includes('master_link_status:up'),
      PATIENCE_MS,
    );
  });
  afterEach(async () => {
    for (const thing of open.splice(0)) await thing.close();
    await Promise.all([primary.stop(), replica.stop(), region.close()]);
  });

  it(
    'S11: a sensor whose primary is demoted behind its back (READONLY) goes on at the new one, and writes its checkpoints there',
    { timeout: TIMEOUT_MS },
    async () => {
      const address = await createAddress(primary.port);
      const leases = await createRedisLeaseStore({ url: address.url, clock, deadlineMs: 5_000 });
      await region.createStream('moved', 1);
      const stream = await createKinesisStream({
        client: region.client,
        streamName: 'moved',
        clock,
        random,
      });
      const sensor = await createKinesisSensor({
        streamName: 'moved',
        worker: 'a',
        expectedWorkers: 1,
        clientConfig: { endpoint: region.endpoint, region: 'us-east-1', credentials },
        leases,
        pollMs: 50,
        failoverMs: 3_000,
        discoveryMs: 500,
        checkpointMs: 50,
        drainMs: 200,
        clock,
        random,
        onDeadLetter: async () => undefined,
      });
      open.push(sensor, stream, leases, address);
      await stream.deposit(anEvent({ id: 'before' }));
      expect((await drain(sensor, 1, PATIENCE_MS)).map(idOf)).toContain('before');

      await replica.admin.replicaof('NO', 'ONE');
      address.leadTo(replica.port);
      await primary.admin.replicaof('127.0.0.1', replica.port);
      await stream.deposit(anEvent({ id: 'after' }));
      const seen: string[] = [];
      await eventually(async () => {
        // A checkpoint that was not written in time may repeat the event before.
        const some = await drain(sensor, 1, PATIENCE_MS);
        seen.push(...some.map(idOf));
        return seen.includes('after');
      }, PATIENCE_MS);
      // Every write of a lease raises its counter; the keys may not be there yet when the event is.
      const counter = async (): Promise<number> => {
        let sum = 0;
        for (const key of await replica.admin.keys('lazarus:shards:*'))
          for (const lease of await replica.admin.hvals(key)) sum += Number.parseInt(lease, 10) || 0;
        return sum;
      };
      const before = await counter();
      await eventually(async () => (await counter()) > before, PATIENCE_MS);
    },
  );
});
