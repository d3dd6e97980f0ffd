import { CreateStreamCommand, DescribeStreamSummaryCommand, KinesisClient } from '@aws-sdk/client-kinesis';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { http1Handler } from '../src/index.ts';
import { clock, credentials } from './region.ts';

/** The slower and more faithful emulator, as a process. */
export interface KinesisLocal {
  readonly endpoint: string;
  readonly client: KinesisClient;
  createStream(name: string, shards: number): Promise<void>;
  close(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function start(plainPort: number, tlsPort: number): ChildProcess {
  const main = createRequire(import.meta.url).resolve('kinesis-local/main.js');
  const preload = fileURLToPath(new URL('loopback-only.cjs', import.meta.url));
  return spawn(process.execPath, ['-r', preload, main], {
    stdio: 'ignore',
    env: {
      ...process.env,
      KINESIS_MOCK_PLAIN_PORT: String(plainPort),
      KINESIS_MOCK_TLS_PORT: String(tlsPort),
      KINESIS_MOCK_CERT_PATH: join(dirname(main), 'server.json'),
      LOG_LEVEL: 'ERROR',
    },
  });
}

/** Starts the emulator and waits until it answers. */
export async function createKinesisLocal(): Promise<KinesisLocal> {
  const plainPort = await freePort();
  const child = start(plainPort, await freePort());
  const endpoint = `http://127.0.0.1:${plainPort}`;
  const client = new KinesisClient({
    endpoint,
    region: 'us-east-1',
    credentials,
    maxAttempts: 1,
    requestHandler: await http1Handler(),
  });
  const statusOf = async (name: string): Promise<string | undefined> => {
    const answer = await client
      .send(new DescribeStreamSummaryCommand({ StreamName: name }))
      .catch(() => undefined);
    return answer?.StreamDescriptionSummary?.StreamStatus;
  };
  const close = async (): Promise<void> => {
    client.destroy();
    if (child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  return {
    endpoint,
    client,
    createStream: async (name, shards) => {
      const endMs = clock.monotonic() + 30_000;
      for (;;) {
        const isCreated = await client
          .send(new CreateStreamCommand({ StreamName: name, ShardCount: shards }))
          .then(() => true)
          .catch(() => false);
        if (isCreated) break;
        if (clock.monotonic() > endMs || child.exitCode !== null)
          throw new Error('the emulator did not start');
        await clock.sleep(100);
      }
      while ((await statusOf(name)) !== 'ACTIVE') await clock.sleep(50);
    },
    close,
  };
}
