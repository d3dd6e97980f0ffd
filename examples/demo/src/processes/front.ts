#!/usr/bin/env node
/** One address in front of several: each connection goes to the next one that takes it, as a load balancer would do. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    to: { type: 'string', default: '' },
    'until-stdin-ends': { type: 'boolean' },
  },
});
const targets = values.to.split(',').map(Number);
let turn = 0;

const server = createServer((incoming) => {
  incoming.on('error', () => undefined);
  void forward(incoming);
});
server.listen(Number(values.port), '127.0.0.1');
await once(server, 'listening');

const stop = (): void => process.exit(0);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
if (values['until-stdin-ends'] === true) process.stdin.on('end', stop).on('error', stop).resume();
const { port } = server.address() as AddressInfo;
process.stdout.write(
  `${JSON.stringify({ ready: true, pid: process.pid, url: `http://127.0.0.1:${port}` })}\n`,
);

async function forward(incoming: Socket): Promise<void> {
  turn += 1;
  for (let tried = 0; tried < targets.length; tried += 1) {
    const outgoing = await open(targets[(turn + tried) % targets.length] ?? 0);
    if (outgoing === undefined) continue;
    outgoing.on('error', () => undefined);
    incoming.pipe(outgoing).pipe(incoming);
    incoming.on('close', () => outgoing.destroy());
    outgoing.on('close', () => incoming.destroy());
    return;
  }
  incoming.destroy();
}

function open(to: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port: to, host: '127.0.0.1' });
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}
