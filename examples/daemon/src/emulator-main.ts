#!/usr/bin/env node
/** The Kinesis emulator as a program, for daemons that share it: one JSON line when it is ready, exit 0 on SIGTERM. */
import { parseArgs } from 'node:util';
import { createSystemClock } from '@lazarus/core';
import { startEmulator } from './emulator.ts';

const { values } = parseArgs({
  options: {
    path: { type: 'string' },
    port: { type: 'string', default: '0' },
    'until-stdin-ends': { type: 'boolean' },
  },
});
if (values.path === undefined) {
  process.stderr.write('stream: --path FOLDER is needed\n');
  process.exit(2);
}
const emulator = await startEmulator(
  { path: values.path, port: Number(values.port) },
  createSystemClock(),
).catch((error: unknown) => {
  const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  const message = taken ? `port ${values.port} on 127.0.0.1 is taken` : String(error);
  process.stderr.write(`stream: ${message}\n`);
  process.exit(1);
});
const stop = (): void => {
  void emulator.close().finally(() => process.exit(0));
};
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
if (values['until-stdin-ends'] === true) process.stdin.on('end', stop).on('error', stop).resume();
process.stdout.write(`${JSON.stringify({ ready: true, endpoint: emulator.endpoint, pid: process.pid })}\n`);
