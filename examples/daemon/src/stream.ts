import { join } from 'node:path';
import { CreateStreamCommand, DescribeStreamSummaryCommand, KinesisClient } from '@aws-sdk/client-kinesis';
import type { KinesisClientConfig } from '@aws-sdk/client-kinesis';
import type { Clock, Logger, Meter, Random } from '@lazarus/core/ports';
import {
  createKinesisSensor,
  createKinesisStream,
  createRedisLeaseStore,
  createSqliteLeaseStore,
  http1Handler,
} from '@lazarus/sensors-kinesis';
import type { DeadLetter, KinesisSensor, KinesisStream, LeaseStore } from '@lazarus/sensors-kinesis';
import { startEmulator } from './emulator.ts';
import type { Settings } from './settings.ts';

/** The region's stream: where events are put, and one sensor for each node. */
export interface StreamParts {
  readonly stream: KinesisStream;
  /** `giveUp` concludes what could not be decided in several tries; the checkpoint passes it only after that. */
  sensorFor(node: string, giveUp: (letter: DeadLetter) => Promise<unknown>): Promise<KinesisSensor>;
  /** Whether events can be put there now; throws when not. */
  check(): Promise<undefined>;
  close(): Promise<void>;
}

/** Opens the stream; the embedded one is a Kinesis emulator on disk, inside this process. */
export async function openStream(
  settings: Settings,
  ports: {
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Logger;
    readonly meter: Meter;
    /** Nodes of the region that read it. */
    readonly readers: number;
  },
): Promise<StreamParts> {
  const { clock, random, log, meter, readers } = ports;
  const place = await placeOf(settings, clock);
  const leases = await openLeases(settings, clock);
  const { name, failover } = settings.stream;
  const stream = await createKinesisStream({ streamName: name, clientConfig: place.client, clock, random });
  const asking = new KinesisClient({ ...place.client, requestHandler: await http1Handler() });
  return {
    stream,
    check: async () => {
      const status = await statusOf(asking, name);
      if (status !== 'ACTIVE' && status !== 'UPDATING')
        throw new Error(`stream ${name} is ${status ?? 'missing'}`);
      return undefined;
    },
    sensorFor: (node, giveUp) =>
      createKinesisSensor({
        clock,
        random,
        meter,
        logger: log,
        streamName: name,
        worker: node,
        expectedWorkers: readers,
        failoverMs: failover,
        clientConfig: place.client,
        leases,
        onDeadLetter: async (letter) => {
          log.error('an event could not be decided', {
            position: letter.position,
            reason: letter.reason,
          });
          await giveUp(letter);
        },
      }),
    async close() {
      asking.destroy();
      await stream.close();
      await leases.close();
      await place.close();
    },
  };
}

/** Where the stream is, and how it is reached. */
interface Place {
  readonly client: KinesisClientConfig;
  close(): Promise<void>;
}

/** Emulators want credentials and look at none of them. */
const EMULATED = { credentials: { accessKeyId: 'emulated', secretAccessKey: 'emulated' } };

async function placeOf({ stream, region, state_dir }: Settings, clock: Clock): Promise<Place> {
  if (stream.kind === 'kinesis') {
    const { endpoint } = stream;
    return { client: { region, ...(endpoint === undefined ? {} : { endpoint }) }, close: async () => {} };
  }
  const embedded =
    stream.kind === 'embedded'
      ? await startEmulator({ path: join(state_dir, 'stream') }, clock)
      : { endpoint: stream.endpoint, close: async () => {} };
  const client = { region, endpoint: embedded.endpoint, ...EMULATED };
  await createIfMissing(client, stream.name, stream.shards, clock);
  return { client, close: embedded.close };
}

/** Leases live where all who read the stream can see them. */
function openLeases(
  { shared_state: shared, state_dir, region }: Settings,
  clock: Clock,
): Promise<LeaseStore & { close(): Promise<void> }> {
  return shared.kind === 'redis'
    ? createRedisLeaseStore({ url: shared.url, prefix: `lazarus-${region}`, clock })
    : createSqliteLeaseStore({ file: join(state_dir, 'leases.db') });
}

async function createIfMissing(
  config: KinesisClientConfig,
  name: string,
  shards: number,
  clock: Clock,
): Promise<void> {
  const client = new KinesisClient({ ...config, requestHandler: await http1Handler() });
  try {
    for (;;) {
      const status = await statusOf(client, name);
      if (status === 'ACTIVE') return;
      if (status === undefined)
        await client
          .send(new CreateStreamCommand({ StreamName: name, ShardCount: shards }))
          .catch(ignoreThatItIsThere);
      await clock.sleep(20);
    }
  } finally {
    client.destroy();
  }
}

async function statusOf(client: KinesisClient, name: string): Promise<string | undefined> {
  try {
    const reply = await client.send(new DescribeStreamSummaryCommand({ StreamName: name }));
    return reply.StreamDescriptionSummary?.StreamStatus;
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}

/** Another process was faster. */
function ignoreThatItIsThere(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'ResourceInUseException') throw error;
}
