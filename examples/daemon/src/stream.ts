import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CreateStreamCommand, DescribeStreamSummaryCommand, KinesisClient } from '@aws-sdk/client-kinesis';
import type { KinesisClientConfig } from '@aws-sdk/client-kinesis';
import type { Clock, Logger, Random } from '@lazarus/core/ports';
import {
  createKinesisSensor,
  createKinesisStream,
  createSqliteLeaseStore,
  http1Handler,
} from '@lazarus/sensors-kinesis';
import type { DeadLetter, KinesisSensor, KinesisStream } from '@lazarus/sensors-kinesis';
import type { Settings } from './settings.ts';

const CLOSE_WAIT_MS = 20;
const MAX_CLOSE_WAITS = 100;

/** The region's stream: where events are put, and one sensor for each node. */
export interface StreamParts {
  readonly stream: KinesisStream;
  /** `giveUp` concludes what could not be decided in several tries; the checkpoint passes it only after that. */
  sensorFor(node: string, giveUp: (letter: DeadLetter) => Promise<unknown>): Promise<KinesisSensor>;
  close(): Promise<void>;
}

/** Opens the stream; the embedded one is a Kinesis emulator on disk, inside this process. */
export async function openStream(
  settings: Settings,
  ports: { readonly clock: Clock; readonly random: Random; readonly log: Logger },
): Promise<StreamParts> {
  const { stream: options } = settings;
  const embedded =
    options.kind === 'embedded' ? await startEmbedded(settings.state_dir, ports.clock) : undefined;
  const endpoint = options.kind === 'embedded' ? embedded?.endpoint : options.endpoint;
  const clientConfig = {
    region: settings.region,
    ...(endpoint === undefined ? {} : { endpoint }),
    // The emulator wants credentials and looks at none of them.
    ...(embedded === undefined
      ? {}
      : { credentials: { accessKeyId: 'embedded', secretAccessKey: 'embedded' } }),
  };
  if (options.kind === 'embedded')
    await createIfMissing(clientConfig, options.name, options.shards, ports.clock);
  const leases = await createSqliteLeaseStore({ file: join(settings.state_dir, 'leases.db') });
  const stream = await createKinesisStream({
    streamName: options.name,
    clientConfig,
    clock: ports.clock,
    random: ports.random,
  });
  return {
    stream,
    sensorFor: (node, giveUp) =>
      createKinesisSensor({
        streamName: options.name,
        worker: node,
        expectedWorkers: settings.nodes.length,
        clientConfig,
        clock: ports.clock,
        random: ports.random,
        logger: ports.log,
        leases,
        onDeadLetter: async (letter) => {
          ports.log.error('an event could not be decided', {
            position: letter.position,
            reason: letter.reason,
          });
          await giveUp(letter);
        },
      }),
    async close() {
      await stream.close();
      await embedded?.close();
    },
  };
}

/** A Kinesis emulator on disk, on loopback, in this process: what was accepted survives a kill. */
async function startEmbedded(
  stateDir: string,
  clock: Clock,
): Promise<{ readonly endpoint: string; close(): Promise<void> }> {
  const { default: kinesalite } = await import('kinesalite');
  const server = kinesalite({ path: join(stateDir, 'stream'), createStreamMs: 20, shardLimit: 50 });
  const answering = countAnswers(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close: async () => {
      // The emulator works on for a caller that hung up, and would then find its database closed.
      for (let waits = 0; answering() > 0 && waits < MAX_CLOSE_WAITS; waits += 1)
        await clock.sleep(CLOSE_WAIT_MS);
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** How many requests are still being answered, also those whose caller is gone. */
function countAnswers(server: Server): () => number {
  let answering = 0;
  server.prependListener('request', (_request, response: ServerResponse) => {
    answering += 1;
    const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
    response.end = ((...args: unknown[]) => {
      answering -= 1;
      return end(...args);
    }) as typeof response.end;
  });
  return () => answering;
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
        await client.send(new CreateStreamCommand({ StreamName: name, ShardCount: shards }));
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
