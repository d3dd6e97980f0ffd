/**
 * A worker in a process of its own: says on standard output which events it is handed, one JSON line each, and finishes
 * them at once, or, for a service whose name begins with `hold`, when it reads `ack` on standard input. Arguments: address
 * of Redis, address of the stream service, name of the stream, name of the worker.
 */
import { createInterface } from 'node:readline';
import type { Delivery } from '@lazarus/core/ports';
import { createKinesisSensor, createRedisLeaseStore } from '@lazarus/sensors-kinesis';
import { clock, credentials, idOf, pullAgain, random } from './region.ts';

const [url = '', endpoint = '', streamName = '', worker = ''] = process.argv.slice(2);
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const leases = await createRedisLeaseStore({ url, clock, deadlineMs: 2_000 });
const sensor = await createKinesisSensor({
  streamName,
  worker,
  expectedWorkers: 3,
  clientConfig: { endpoint, region: 'us-east-1', credentials },
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
const held: Delivery[] = [];
const over = new AbortController();

createInterface({ input: process.stdin })
  .on('line', () => {
    void Promise.all(held.splice(0).map((delivery) => delivery.ack())).then(() => say({ acked: true }));
  })
  .on('close', () => over.abort());
setInterval(() => say({ shards: sensor.shards.length }), 200).unref();
while (!over.signal.aborted) {
  const deliveries = await pullAgain(sensor, over.signal).catch(() => []);
  for (const delivery of deliveries) {
    const { service } = delivery.payload as { service: string };
    if (service.startsWith('hold')) held.push(delivery);
    else await delivery.ack();
    say({ event: idOf(delivery), service });
  }
}
await sensor.close();
await leases.close();
