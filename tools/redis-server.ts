/**
 * A real Redis for tests: starts the `redis-server` that `tools/servers.mjs` found, on the loopback address and a free
 * port, in a folder of its own. Ended by its process id only.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

interface Servers {
  readonly redisServer?: string;
  readonly ldLibraryPath?: string;
  readonly missing?: Readonly<Record<string, string>>;
}

/** A running Redis. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** A connection for the test itself. */
  readonly admin: Redis;
  /** SIGSTOP: it keeps its sockets and answers nothing. */
  pause(): void;
  resume(): void;
  /** SIGKILL; {@link restart} starts it again. */
  kill(): Promise<void>;
  /** SIGKILL, then the same port and folder again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

function readServers(): Servers | undefined {
  const registry = new URL('../.cache/servers.json', import.meta.url);
  return existsSync(registry) ? (JSON.parse(readFileSync(registry, 'utf8')) as Servers) : undefined;
}

/** Why Redis cannot run here; `undefined` when it can. */
export function whyNoRedis(): string | undefined {
  const servers = readServers();
  if (servers === undefined) return 'nobody looked for redis-server yet: run `node tools/servers.mjs`';
  return servers.missing?.['redisServer'];
}

/** `name`, or the name with the reason for which it is skipped. */
export function withRedis(name: string): string {
  const reason = whyNoRedis();
  return reason === undefined ? name : `${name} (skipped: ${reason})`;
}

/** Starts Redis without persistence and waits until it answers; `settings` are lines of its configuration. */
export async function startRedis(settings: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
  const { redisServer, ldLibraryPath = '' } = readServers() ?? {};
  if (redisServer === undefined) throw new Error(whyNoRedis());
  const dir = mkdtempSync(join(tmpdir(), 'lazarus-redis-'));
  const port = await freePort();
  const all = { save: '', appendonly: 'no', ...settings, bind: '127.0.0.1', port: `${port}`, dir };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  const env = { ...process.env, ...(ldLibraryPath === '' ? {} : { LD_LIBRARY_PATH: ldLibraryPath }) };
  const start = (): ChildProcess => spawn(redisServer, args, { stdio: 'ignore', env });
  let child = start();
  const admin = new Redis(port, { retryStrategy: () => 50, maxRetriesPerRequest: null });
  admin.on('error', () => undefined);
  await admin.ping();

  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    admin,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill: () => end(child),
    restart: async () => {
      await end(child);
      child = start();
      await admin.ping();
    },
    stop: async () => {
      admin.disconnect();
      await end(child);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
