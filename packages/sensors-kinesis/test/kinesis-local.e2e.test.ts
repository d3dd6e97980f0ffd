import { UpdateShardCountCommand } from '@aws-sdk/client-kinesis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  createKinesisSensor,
  createKinesisStream,
  createMemoryLeaseStore,
  type KinesisSensor,
} from '../src/index.ts';
import { createKinesisLocal, type KinesisLocal } from './kinesis-local.ts';
import { clock, drain, eventually, idOf, random, someEvents } from './region.ts';

let service: KinesisLocal;
const leases = createMemoryLeaseStore();

beforeAll(async () => {
  service = await createKinesisLocal();
  await service.createStream('events', 2);
}, 60_000);

afterAll(() => service.close());

function open(worker: string): Promise<KinesisSensor> {
  return createKinesisSensor({
    client: service.client,
    streamName: 'events',
    worker,
    pollMs: 50,
    discoveryMs: 500,
    checkpointMs: 50,
    failoverMs: 3000,
    drainMs: 200,
    clock,
    random,
    leases,
    onDeadLetter: async () => undefined,
  });
}

describe('a second emulator of the stream', () => {
  it('is read to the end through a change from 2 to 4 shards, which reports children and a real lag', async () => {
    const stream = await createKinesisStream({ client: service.client, streamName: 'events', clock, random });
    const sensor = await open('a');
    await stream.depositAll(someEvents(60, 'before'));
    const seen = [...(await drain(sensor, 60, 20_000))];
    await service.client.send(
      new UpdateShardCountCommand({
        StreamName: 'events',
        TargetShardCount: 4,
        ScalingType: 'UNIFORM_SCALING',
      }),
    );
    await eventually(() => sensor.shards.length === 4, 20_000);
    await stream.depositAll(someEvents(60, 'after'));
    seen.push(...(await drain(sensor, 60, 20_000)));
    expect(new Set(seen.map(idOf)).size).toBe(120);
    await eventually(() => sensor.shards.every(({ behindMs }) => behindMs === 0), 10_000);
    await sensor.close();
    const next = await open('b');
    await eventually(() => next.shards.length === 4, 10_000);
    await stream.deposit({ ...someEvents(1)[0]!, id: 'last' });
    expect((await drain(next, 1, 10_000)).map(idOf)).toEqual(['last']);
    await next.close();
    await stream.close();
  }, 90_000);
});
