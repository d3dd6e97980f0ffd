#!/usr/bin/env node
/** Holds a redis-server: starts it, says when it answers, and ends it with itself, so that it outlives nobody. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { parseArgs } from 'node:util';

const POLL_MS = 50;

const { values } = parseArgs({
  options: {
    binary: { type: 'string', default: 'redis-server' },
    'library-path': { type: 'string', default: '' },
    dir: { type: 'string', default: '.' },
    port: { type: 'string', default: '6379' },
    'until-stdin-ends': { type: 'boolean' },
  },
});

const port = Number(values.port);
mkdirSync(values.dir, { recursive: true });
const settings = { bind: '127.0.0.1', port: values.port, dir: values.dir, save: '', appendonly: 'yes' };
const server = spawn(
  values.binary,
  Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
  {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ...(values['library-path'] === '' ? {} : { LD_LIBRARY_PATH: values['library-path'] }),
    },
  },
);
let said = '';
server.stdout.setEncoding('utf8').on('data', (text: string) => (said = `${said}${text}`.slice(-2_000)));
server.on('error', (error) => fail(`redis-server could not be started: ${error.message}`));
server.on('exit', (code, signal) => {
  if (signal === null && code === 0) process.exit(0);
  fail(`redis-server ended with ${signal ?? `exit code ${code}`}\n${said}`);
});
const stop = (): void => void server.kill('SIGTERM');
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
if (values['until-stdin-ends'] === true) process.stdin.on('end', stop).on('error', stop).resume();
process.on('exit', () => server.kill('SIGKILL'));

while (!(await answers())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
process.stdout.write(
  `${JSON.stringify({ ready: true, url: `redis://127.0.0.1:${port}`, pid: process.pid, redis_pid: server.pid })}\n`,
);

/** Whether it serves: while it loads its file it answers with an error. */
function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.on('connect', () => socket.write('PING\r\n'));
    socket.on('data', (data) => {
      socket.destroy();
      resolve(data.toString('utf8').startsWith('+PONG'));
    });
    socket.on('error', () => resolve(false));
  });
}

function fail(message: string): never {
  process.stderr.write(`redis: ${message}\n`);
  process.exit(1);
}
