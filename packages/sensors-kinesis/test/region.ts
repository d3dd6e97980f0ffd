import { CreateStreamCommand, DescribeStreamSummaryCommand, KinesisClient } from '@aws-sdk/client-kinesis';
import { createSystemClock, PortError } from '@lazarus/core';
import type { Delivery, Sensor } from '@lazarus/core/ports';
import { anEvent } from '@lazarus/testing';
import kinesalite from 'kinesalite';
import { once } from 'node:events';
import { createServer, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { http1Handler } from '../src/index.ts';

export const clock = createSystemClock();
export const random = { next: () => Math.random() };
export const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

/** What the proxy does to one call; `undefined` lets it pass. */
export type Fault =
  | { readonly error: string; readonly status?: number }
  /** The call takes effect, and its answer is lost. */
  | 'drop_answer'
  | 'hang';

/** A stream service on a loopback port, behind a proxy that can break calls. */
export interface Region {
  readonly endpoint: string;
  readonly client: KinesisClient;
  /** Decides about the n-th call (from 1) of an action. */
  fault(decide: (action: string, n: number) => Fault | undefined): void;
  /** Calls so far, by action. */
  readonly calls: ReadonlyMap<string, number>;
  createStream(name: string, shards: number): Promise<void>;
  close(): Promise<void>;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function answerFault(response: ServerResponse, fault: Fault): void {
  if (fault === 'hang') return;
  if (fault === 'drop_answer') {
    response.destroy();
    return;
  }
  response.writeHead(fault.status ?? 400, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify({ __type: fault.error, message: 'injected' }));
}

function createFaultProxy(upstreamPort: () => number, decide: (action: string) => Fault | undefined): Server {
  return createServer((incoming, response) => {
    const action = String(incoming.headers['x-amz-target']).split('.').at(-1) ?? '';
    const fault = decide(action);
    if (fault !== undefined && fault !== 'drop_answer') {
      incoming.resume();
      incoming.on('end', () => answerFault(response, fault));
      return;
    }
    const { method, headers, url: path } = incoming;
    const outgoing = request({ port: upstreamPort(), host: '127.0.0.1', method, headers, path }, (answer) => {
      if (fault !== undefined) {
        answer.resume();
        answer.on('end', () => answerFault(response, fault));
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  });
}

/** Starts kinesalite, on disk when a path is given, with the proxy in front. */
export async function createRegion(path?: string): Promise<Region> {
  const service = kinesalite({
    createStreamMs: 5,
    updateStreamMs: 5,
    deleteStreamMs: 5,
    shardLimit: 500,
    ...(path && { path }),
  });
  const servicePort = await listen(service);
  const calls = new Map<string, number>();
  let decide: (action: string, n: number) => Fault | undefined = () => undefined;
  const proxy = createFaultProxy(
    () => servicePort,
    (action) => {
      const n = (calls.get(action) ?? 0) + 1;
      calls.set(action, n);
      return decide(action, n);
    },
  );
  const endpoint = `http://127.0.0.1:${await listen(proxy)}`;
  const client = new KinesisClient({
    endpoint,
    region: 'us-east-1',
    credentials,
    maxAttempts: 1,
    requestHandler: await http1Handler(),
  });
  return {
    endpoint,
    client,
    calls,
    fault: (next) => {
      calls.clear();
      decide = next;
    },
    createStream: async (name, shards) => {
      await client.send(new CreateStreamCommand({ StreamName: name, ShardCount: shards }));
      for (;;) {
        const answer = await client.send(new DescribeStreamSummaryCommand({ StreamName: name }));
        if (answer.StreamDescriptionSummary?.StreamStatus === 'ACTIVE') return;
        await clock.sleep(5);
      }
    },
    close: async () => {
      client.destroy();
      for (const server of [proxy, service]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

/** Events of many services, so that every shard gets some. */
export function someEvents(count: number, prefix = 'e'): ReturnType<typeof anEvent>[] {
  return Array.from({ length: count }, (_, n) =>
    anEvent({ id: `${prefix}${n}`, service: `service-${n % 23}` }),
  );
}

export const idOf = (delivery: Delivery): string => (delivery.payload as { id: string }).id;

/** Pulls, and takes a failure that may pass for an empty answer, as every caller does. */
export async function pullAgain(sensor: Sensor, signal: AbortSignal, max = 50): Promise<readonly Delivery[]> {
  try {
    return await sensor.pull({ max, signal });
  } catch (error) {
    if (error instanceof PortError && error.retryable) return [];
    throw error;
  }
}

/** Pulls and finishes records until `count` different events were seen; returns all deliveries. */
export async function drain(sensor: Sensor, count: number, timeoutMs = 10_000): Promise<readonly Delivery[]> {
  const signal = AbortSignal.timeout(timeoutMs);
  const seen = new Set<string>();
  const all: Delivery[] = [];
  while (seen.size < count) {
    for (const delivery of await pullAgain(sensor, signal)) {
      all.push(delivery);
      seen.add(idOf(delivery));
      await delivery.ack();
    }
  }
  return all;
}

/** Waits until something is true. */
export async function eventually(check: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const endMs = clock.monotonic() + timeoutMs;
  while (!(await check())) {
    if (clock.monotonic() > endMs) throw new Error('it did not become true in time');
    await clock.sleep(10);
  }
}
