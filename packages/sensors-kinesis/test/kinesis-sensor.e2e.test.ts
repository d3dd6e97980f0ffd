import {
  DeleteStreamCommand,
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordCommand,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis';
import { createRecordingLogger, createRecordingMeter } from '@lazarus/testing';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import {
  createKinesisSensor,
  createKinesisStream,
  createMemoryLeaseStore,
  createSqliteLeaseStore,
  type DeadLetter,
  type KinesisSensor,
  type KinesisStream,
  type LeaseStore,
} from '../src/index.ts';
import {
  clock,
  createRegion,
  credentials,
  drain,
  eventually,
  idOf,
  pullAgain,
  random,
  type Region,
  someEvents,
} from './region.ts';

let folder: string;
let region: Region;
let stream: KinesisStream;
let streamName: string;
let leases: LeaseStore;
let letters: DeadLetter[];
const sensors: KinesisSensor[] = [];
let streams = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lazarus-kinesis-'));
  region = await createRegion(join(folder, 'kinesalite'));
});

afterAll(async () => {
  await region.close();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  region.fault(() => undefined);
  streamName = `stream-${(streams += 1)}`;
  await region.createStream(streamName, 4);
  stream = await createKinesisStream({ client: region.client, streamName, clock, random });
  leases = createMemoryLeaseStore();
  letters = [];
});

afterEach(async () => {
  region.fault(() => undefined);
  await Promise.all(sensors.splice(0).map((sensor) => sensor.close()));
  await stream.close();
});

type SensorOptions = Partial<Parameters<typeof createKinesisSensor>[0]>;

async function open(options: SensorOptions = {}): Promise<KinesisSensor> {
  const sensor = await createKinesisSensor({
    clientConfig: { endpoint: region.endpoint, region: 'us-east-1', credentials },
    streamName,
    worker: 'a',
    pollMs: 20,
    failoverMs: 1500,
    discoveryMs: 200,
    checkpointMs: 30,
    requestTimeoutMs: 3000,
    retry: { firstMs: 10, maxMs: 50 },
    redelivery: { firstMs: 5, maxMs: 20 },
    drainMs: 200,
    clock,
    random,
    leases,
    onDeadLetter: async (letter) => void letters.push(letter),
    ...options,
  });
  sensors.push(sensor);
  return sensor;
}

const soon = (ms: number): AbortSignal => AbortSignal.timeout(ms);
const checkpoints = async (): Promise<readonly string[]> => {
  const [key] = await streamKeys();
  return (await leases.list(key ?? '')).map(({ checkpoint }) => checkpoint.at);
};
async function streamKeys(): Promise<readonly string[]> {
  const arn = `arn:aws:kinesis:us-east-1:000000000000:stream/${streamName}`;
  const found: string[] = [];
  const list = leases.list.bind(leases);
  // The creation time is part of the key; it is a whole second for this service.
  for (let second = Math.floor(clock.now() / 1000) - 120; second <= clock.now() / 1000; second += 1) {
    for (const key of [`${arn}@${second * 1000}`]) if ((await list(key)).length > 0) found.push(key);
  }
  return found;
}

describe('delivery', () => {
  it('hands out every deposited event of 4 shards with its arrival time, in order within a service', async () => {
    const events = someEvents(120);
    const positions = await stream.depositAll(events);
    const seen = await drain(await open(), 120);
    expect(seen).toHaveLength(120);
    expect(new Set(seen.map(idOf))).toEqual(new Set(events.map(({ id }) => id)));
    expect(new Set(seen.map(({ position }) => position))).toEqual(
      new Set(positions.map(({ position }) => position)),
    );
    const ofOne = seen
      .filter(({ payload }) => (payload as { service: string }).service === 'service-3')
      .map(idOf);
    expect(ofOne).toEqual(['e3', 'e26', 'e49', 'e72', 'e95', 'e118']);
    for (const { arrivedAtMs } of seen)
      expect(Math.abs((arrivedAtMs ?? 0) - clock.now())).toBeLessThan(60_000);
  });

  it('hands out what is no JSON as its text: deciding about it is the first gate', async () => {
    const Data = new TextEncoder().encode('{"id": broken');
    await region.client.send(new PutRecordCommand({ StreamName: streamName, Data, PartitionKey: 'x' }));
    const sensor = await open();
    const [delivery] = await sensor.pull({ max: 1, signal: soon(5000) });
    expect(delivery?.payload).toBe('{"id": broken');
    await delivery?.ack();
  });

  it('L5: keeps at most 10 unfinished records of a shard, and goes on when one is finished', async () => {
    const events = Array.from({ length: 30 }, (_, n) => ({
      ...someEvents(1)[0]!,
      id: `e${n}`,
      service: 'one',
    }));
    await stream.depositAll(events);
    const sensor = await open({ maxInFlightPerShard: 10 });
    const held = [...(await sensor.pull({ max: 100, signal: soon(5000) }))];
    while (held.length < 10) held.push(...(await sensor.pull({ max: 100, signal: soon(5000) })));
    await expect(sensor.pull({ max: 100, signal: soon(200) })).rejects.toThrow();
    expect(held).toHaveLength(10);
    expect(Math.max(...sensor.shards.map(({ unfinished }) => unfinished))).toBe(10);
    await held[5]?.ack();
    const [next] = await sensor.pull({ max: 100, signal: soon(5000) });
    expect(idOf(next!)).toBe('e10');
  });

  it('ends an open pull with an empty array when it is closed', async () => {
    const sensor = await open();
    const pulling = sensor.pull({ max: 1, signal: soon(5000) });
    await sensor.close();
    expect(await pulling).toEqual([]);
  });
});

describe('checkpoint', () => {
  it('S11: never passes an unfinished record, so that a new worker gets it again and nothing before it', async () => {
    const events = Array.from({ length: 5 }, (_, n) => ({
      ...someEvents(1)[0]!,
      id: `e${n}`,
      service: 'one',
    }));
    await stream.depositAll(events);
    const first = await open();
    const held = new Map<string, () => Promise<void>>();
    while (held.size < 5) {
      for (const delivery of await first.pull({ max: 5, signal: soon(5000) }))
        held.set(idOf(delivery), delivery.ack);
    }
    for (const id of ['e0', 'e1', 'e3', 'e4']) await held.get(id)!();
    await first.close();
    const again = await drain(await open({ worker: 'b' }), 3);
    expect(again.map(idOf)).toEqual(['e2', 'e3', 'e4']);
  });

  it('resumes in a file after the worker vanished without a word, under the same name at once', async () => {
    const store = await createSqliteLeaseStore({ file: join(folder, 'leases.db') });
    await stream.depositAll(someEvents(40));
    const vanished = await open({ leases: store, failoverMs: 60_000, discoveryMs: 60_000 });
    await drain(vanished, 40);
    await clock.sleep(150);
    // Its upkeep is a minute away, so for the store it is as good as dead.
    await stream.depositAll(someEvents(10, 'later'));
    const restarted = await open({ leases: store, failoverMs: 60_000 });
    const seen = await drain(restarted, 10, 4000);
    expect(seen.every((delivery) => idOf(delivery).startsWith('later'))).toBe(true);
    await Promise.all(sensors.splice(0).map((sensor) => sensor.close()));
    await store.close();
  });

  it('is forgotten when the stream was deleted and created again', async () => {
    await stream.depositAll(someEvents(10));
    await drain(await open(), 10);
    await clock.sleep(1100);
    await region.client.send(new DeleteStreamCommand({ StreamName: streamName }));
    await clock.sleep(50);
    await region.createStream(streamName, 2);
    await stream.depositAll(someEvents(10, 'new'));
    const signal = soon(8000);
    const seen = new Set<string>();
    while (seen.size < 10) {
      // Reading fails for a moment and goes on by itself.
      const deliveries = await sensors[0]!.pull({ max: 50, signal }).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'LZ_STREAM_READ', retryable: true });
        return [];
      });
      for (const delivery of deliveries) {
        seen.add(idOf(delivery));
        await delivery.ack();
      }
    }
    expect([...seen].every((id) => id.startsWith('new'))).toBe(true);
  });
});

describe('a record that is given back', () => {
  it('L3: becomes a dead letter after 3 times, and the ones behind it are not kept waiting', async () => {
    await stream.deposit({ ...someEvents(1)[0]!, id: 'poison', service: 'one' });
    await stream.deposit({ ...someEvents(1)[0]!, id: 'good', service: 'one' });
    const sensor = await open();
    let tries = 0;
    const finished: string[] = [];
    const signal = soon(5000);
    while (letters.length === 0 || finished.length === 0) {
      for (const delivery of await sensor.pull({ max: 1, signal })) {
        if (idOf(delivery) === 'good') {
          finished.push('good');
          await delivery.ack();
          continue;
        }
        expect(delivery.redeliveries).toBe(tries);
        tries += 1;
        await delivery.nack('no disk');
        await delivery.nack('said twice');
      }
    }
    expect(tries).toBe(3);
    expect(letters).toMatchObject([{ nacks: 3, reason: 'no disk', payload: { id: 'poison' } }]);
    await sensor.close();
    await expect(drain(await open({ worker: 'b' }), 1, 400)).rejects.toThrow();
  });

  it('S11: is handed out again when its dead letter could not be kept', async () => {
    await stream.deposit(someEvents(1)[0]!);
    let isBroken = true;
    const sensor = await open({
      onDeadLetter: async (letter) => {
        if (isBroken) throw new Error('no disk');
        letters.push(letter);
      },
    });
    const signal = soon(5000);
    for (let tries = 0; letters.length === 0; tries += 1) {
      for (const delivery of await pullAgain(sensor, signal, 1)) {
        isBroken = tries < 4;
        await delivery.nack('not now');
      }
    }
    expect(letters[0]?.nacks).toBeGreaterThan(3);
  });
});

describe('resharding', () => {
  it('reads split and merged shards to their end, then their children, and loses nothing', async () => {
    const sensor = await open();
    await stream.depositAll(someEvents(40, 'before'));
    const seen = [...(await drain(sensor, 40))];
    const { Shards: shards = [] } = await region.client.send(
      new ListShardsCommand({ StreamName: streamName }),
    );
    const [first, second, third] = shards.map(({ ShardId }) => ShardId!);
    const half = (BigInt(shards[0]!.HashKeyRange!.EndingHashKey!) / 2n).toString();
    await region.client.send(
      new SplitShardCommand({ StreamName: streamName, ShardToSplit: first, NewStartingHashKey: half }),
    );
    await clock.sleep(30);
    await region.client.send(
      new MergeShardsCommand({ StreamName: streamName, ShardToMerge: second, AdjacentShardToMerge: third }),
    );
    await clock.sleep(30);
    await stream.depositAll(someEvents(60, 'after'));
    seen.push(...(await drain(sensor, 60)));
    expect(new Set(seen.map(idOf)).size).toBe(100);
    await eventually(async () => (await checkpoints()).filter((at) => at === 'SHARD_END').length === 3);
    expect(sensor.shards.map(({ shardId }) => shardId)).toHaveLength(4);
  });

  it('does not open a child while a record of its parent is unfinished', async () => {
    const sensor = await open();
    await stream.depositAll(someEvents(23, 'before'));
    const held = [...(await sensor.pull({ max: 100, signal: soon(5000) }))];
    while (held.length < 23) held.push(...(await sensor.pull({ max: 100, signal: soon(5000) })));
    const { Shards: shards = [] } = await region.client.send(
      new ListShardsCommand({ StreamName: streamName }),
    );
    const half = (BigInt(shards[0]!.HashKeyRange!.EndingHashKey!) / 2n).toString();
    await region.client.send(
      new SplitShardCommand({
        StreamName: streamName,
        ShardToSplit: shards[0]!.ShardId,
        NewStartingHashKey: half,
      }),
    );
    await clock.sleep(600);
    const open4 = sensor.shards.map(({ shardId }) => shardId);
    expect(open4).toHaveLength(4);
    for (const delivery of held) await delivery.ack();
    await eventually(() => sensor.shards.length === 5);
  });
});

describe('several workers', () => {
  it('share 4 shards evenly, and take over what a closed one leaves', async () => {
    const first = await open();
    await eventually(() => first.shards.length === 4);
    const second = await open({ worker: 'b' });
    await eventually(() => first.shards.length === 2 && second.shards.length === 2);
    await first.close();
    await eventually(() => second.shards.length === 4);
    await stream.depositAll(someEvents(40));
    expect(await drain(second, 40)).toHaveLength(40);
  });

  it('that start together and expect each other take every shard once', async () => {
    const owners = new Map<string, Set<string>>();
    const watched: LeaseStore = {
      ...leases,
      update: async (name, shardId, counter, change) => {
        const lease = await leases.update(name, shardId, counter, change);
        const { owner } = change;
        if (lease !== undefined && owner !== undefined) {
          owners.set(shardId, (owners.get(shardId) ?? new Set()).add(owner));
        }
        return lease;
      },
    };
    const all = await Promise.all(
      ['a', 'b', 'c'].map((worker) => open({ worker, expectedWorkers: 3, leases: watched })),
    );
    await eventually(() => all.reduce((sum, { shards }) => sum + shards.length, 0) === 4);
    expect(Math.max(...all.map(({ shards }) => shards.length))).toBe(2);
    await clock.sleep(600);
    expect([...owners.values()].map(({ size }) => size)).toEqual([1, 1, 1, 1]);
  });

  it('L3: take over within the failover time when a worker cannot reach the leases any more', async () => {
    let isCut = false;
    const cut: LeaseStore = {
      ...leases,
      list: async (name) => (isCut ? Promise.reject(new Error('cut off')) : leases.list(name)),
      update: async (...args) => (isCut ? Promise.reject(new Error('cut off')) : leases.update(...args)),
    };
    const first = await open({ leases: cut });
    await eventually(() => first.shards.length === 4);
    isCut = true;
    const second = await open({ worker: 'b' });
    await eventually(() => second.shards.length === 4, 6000);
    // The one that was cut off gave its shards up by itself, so that it hands out nothing that is no longer its own.
    expect(first.shards).toHaveLength(0);
    isCut = false;
  });
});

describe('failures of the stream', () => {
  it('waits when it is throttled and keeps its iterator', async () => {
    const sensor = await open();
    await stream.depositAll(someEvents(30, 'a'));
    await drain(sensor, 30);
    region.fault((action, n) =>
      action === 'GetRecords' && n % 2 === 1
        ? { error: 'ProvisionedThroughputExceededException' }
        : undefined,
    );
    await stream.depositAll(someEvents(30, 'b'));
    expect(await drain(sensor, 30)).toHaveLength(30);
    expect(region.calls.get('GetShardIterator') ?? 0).toBe(0);
  });

  it('replaces an iterator that expired after the last record it read, not after its checkpoint', async () => {
    const sensor = await open();
    const event = { ...someEvents(1)[0]!, service: 'one' };
    await stream.deposit({ ...event, id: 'e1' });
    const [first] = await sensor.pull({ max: 1, signal: soon(5000) });
    region.fault((action, n) =>
      action === 'GetRecords' && n <= 4 ? { error: 'ExpiredIteratorException' } : undefined,
    );
    await stream.deposit({ ...event, id: 'e2' });
    const [second] = await sensor.pull({ max: 1, signal: soon(5000) });
    expect(idOf(second!)).toBe('e2');
    await first?.ack();
    await second?.ack();
  });

  it('goes on after answers were lost, calls hung and the service failed', async () => {
    const sensor = await open({ requestTimeoutMs: 100 });
    region.fault((action, n) => {
      if (action !== 'GetRecords' && action !== 'GetShardIterator') return undefined;
      if (n % 4 === 1) return 'drop_answer';
      if (n % 4 === 2) return 'hang';
      return n % 4 === 3 ? { error: 'InternalFailure', status: 500 } : undefined;
    });
    await stream.depositAll(someEvents(40));
    const signal = soon(10_000);
    const seen = new Set<string>();
    while (seen.size < 40) {
      for (const delivery of await pullAgain(sensor, signal)) {
        seen.add(idOf(delivery));
        await delivery.ack();
      }
    }
    expect(seen.size).toBe(40);
  });

  it('says LZ_STREAM_READ while it may not read, counts it, and goes on once it may', async () => {
    const meter = createRecordingMeter();
    const logger = createRecordingLogger();
    region.fault((action) =>
      action === 'DescribeStreamSummary' ? { error: 'AccessDeniedException' } : undefined,
    );
    const sensor = await open({ meter, logger });
    await expect(sensor.pull({ max: 1, signal: soon(5000) })).rejects.toMatchObject({
      code: 'LZ_STREAM_READ',
      retryable: true,
      details: { failure: 'refused' },
    });
    region.fault(() => undefined);
    await stream.depositAll(someEvents(5));
    const signal = soon(5000);
    const seen: string[] = [];
    while (seen.length < 5) {
      for (const delivery of await pullAgain(sensor, signal)) seen.push(idOf(delivery));
    }
    expect(seen).toHaveLength(5);
  });
});

describe('producer', () => {
  it('sends only the refused records of a call again', async () => {
    const events = someEvents(10);
    let asked = 0;
    const partial = Object.assign(Object.create(region.client) as typeof region.client, {
      send: async (command: { input: { Records?: unknown[] } }, ...rest: never[]) => {
        const answer = (await (region.client.send as (...args: unknown[]) => Promise<unknown>).call(
          region.client,
          command,
          ...rest,
        )) as { Records?: object[] };
        asked += 1;
        if (asked === 1 && answer.Records !== undefined) {
          answer.Records[4] = {
            ErrorCode: 'ProvisionedThroughputExceededException',
            ErrorMessage: 'slow down',
          };
        } else expect(command.input.Records).toHaveLength(1);
        return answer;
      },
    });
    const producer = await createKinesisStream({
      client: partial,
      streamName,
      clock,
      random,
      retry: { firstMs: 1, maxMs: 2 },
    });
    const positions = await producer.depositAll(events);
    expect(asked).toBe(2);
    expect(positions.every(({ position }) => /^shardId-\d+\/\d+$/.test(position))).toBe(true);
  });

  it('tries a deposit 4 times while the stream is throttled, then says LZ_STREAM_DEPOSIT as retryable', async () => {
    const producer = await createKinesisStream({
      clientConfig: { endpoint: region.endpoint, region: 'us-east-1', credentials },
      streamName,
      clock,
      random,
      retry: { firstMs: 1, maxMs: 2 },
    });
    region.fault((action) =>
      action === 'PutRecord' ? { error: 'ProvisionedThroughputExceededException' } : undefined,
    );
    await expect(producer.deposit(someEvents(1)[0]!)).rejects.toMatchObject({
      code: 'LZ_STREAM_DEPOSIT',
      retryable: true,
    });
    expect(region.calls.get('PutRecord')).toBe(4);
    region.fault((_action, n) => (n < 3 ? 'drop_answer' : undefined));
    expect(await producer.deposit(someEvents(1)[0]!)).toMatchObject({
      position: expect.stringMatching(/^shardId-/) as string,
    });
    await producer.close();
  });

  it('does not try again on a stream that does not exist', async () => {
    const producer = await createKinesisStream({ client: region.client, streamName: 'none', clock, random });
    region.fault(() => undefined);
    await expect(producer.deposit(someEvents(1)[0]!)).rejects.toMatchObject({
      code: 'LZ_STREAM_DEPOSIT',
      retryable: false,
      details: { failure: 'not_found' },
    });
    expect(region.calls.get('PutRecord')).toBe(1);
  });

  it('refuses an unknown option by name', async () => {
    const wrong = { client: region.client, streamName, clock, random, retries: 3 };
    await expect(createKinesisStream(wrong)).rejects.toMatchObject({ code: 'LZ_OPTION_INVALID' });
  });
});
