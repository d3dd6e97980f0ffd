/**
 * What the shared state in Redis costs: the gate script (dedupe, service window, region window and breaker in one trip) in
 * CPU time of the server per event, and a fenced lock pair side by side with a bare `SET NX PX` and its compare-and-delete.
 * Both sides use the same client settings; rounds are interleaved and the median of the ratios counts.
 *
 * Run with `npm run bench:redis`. The last line is JSON.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystemClock } from '@lazarus/core';
import { connectRedis, createRedisLocks, createRedisWindows } from '@lazarus/locks-redis';
import { Redis } from 'ioredis';
import { readServers } from '../tools/servers.mjs';

const { redisServer, ldLibraryPath } = readServers() ?? {};
if (redisServer === undefined) {
  console.log(JSON.stringify({ skipped: 'redis-server was not found: run node tools/servers.mjs' }));
  process.exit(0);
}

const SERVICES = 3_000;
const EVENTS = 20_000;
const PAIRS = 3_000;
const ROUNDS = 7;
const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end`;

const dir = mkdtempSync(join(tmpdir(), 'lazarus-bench-'));
const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port: free } = probe.address();
    probe.close(() => resolve(free));
  });
});
const server = spawn(redisServer, ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', dir], {
  stdio: 'ignore',
  env: { ...process.env, ...(ldLibraryPath ? { LD_LIBRARY_PATH: ldLibraryPath } : {}) },
});
const url = `redis://127.0.0.1:${port}`;
const clock = createSystemClock();
const admin = new Redis(url, {
  enableAutoPipelining: true,
  retryStrategy: () => 50,
  maxRetriesPerRequest: null,
});
admin.on('error', () => {});
await admin.ping();
const plain = new Redis(url);
await plain.ping();
for (const client of [admin, plain]) client.defineCommand('releaseRaw', { numberOfKeys: 1, lua: RELEASE });

const redis = await connectRedis({ url, graceMs: 0, deadlineMs: 10_000, clock });
const windows = createRedisWindows({ redis, clock, history: async () => [] });
const locks = createRedisLocks({ redis, clock });
await redis.health();

const cpuMs = async () => {
  const text = await admin.info('cpu');
  const read = (name) => Number(new RegExp(`${name}:([\\d.]+)`).exec(text)[1]) * 1_000;
  return read('used_cpu_user') + read('used_cpu_sys');
};
const median = (list) => [...list].sort((left, right) => left - right)[Math.floor(list.length / 2)];
const round = (value) => Math.round(value * 1_000) / 1_000;

/** Runs `total` calls with `wide` at a time. */
async function inParallel(total, wide, call) {
  let next = 0;
  const worker = async () => {
    for (let at = next; at < total; at = next) {
      next += 1;
      await call(at);
    }
  };
  await Promise.all(Array.from({ length: wide }, worker));
}

// The gate -----------------------------------------------------------------------------------------------------------------
let count = 0;
const gate = [];
const raw = [];
for (let pass = 0; pass < ROUNDS; pass += 1) {
  let before = await cpuMs();
  await inParallel(EVENTS, 64, () => {
    count += 1;
    return windows.observe({
      eventId: `nagios/eu-1/e-${count}`,
      region: 'r',
      service: `service-${(count * 7_919) % SERVICES}`,
      entity: `i-0abc${count % 7}`,
    });
  });
  gate.push(((await cpuMs()) - before) / EVENTS);
  before = await cpuMs();
  await inParallel(EVENTS, 64, (at) => admin.incr(`counter-${at % SERVICES}`));
  raw.push(((await cpuMs()) - before) / EVENTS);
}
const gateUs = median(gate) * 1_000;
const incrUs = median(raw) * 1_000;
const memory = await admin.info('memory');
const usedBytes = Number(/used_memory:(\d+)/.exec(memory)[1]);

// The lock pair ---------------------------------------------------------------------------------------------------------------
const ratios = { 1: [], 16: [] };
const ratiosToPlain = { 1: [], 16: [] };
for (let pass = 0; pass < ROUNDS; pass += 1) {
  for (const wide of [1, 16]) {
    const total = wide === 1 ? PAIRS / 4 : PAIRS;
    let startedAtMs = performance.now();
    await inParallel(total, wide, async (at) => {
      const grant = await locks.acquire({
        target: { kind: 'host', service: `s${at % 64}`, host: `h${at}` },
        holder: `d${at}`,
        ttlMs: 30_000,
      });
      await grant.lease.release();
    });
    const fencedMs = performance.now() - startedAtMs;
    for (const [client, list] of [
      [admin, ratios],
      [plain, ratiosToPlain],
    ]) {
      startedAtMs = performance.now();
      await inParallel(total, wide, async (at) => {
        await client.set(`raw-${at}`, `d${at}`, 'PX', 30_000, 'NX');
        await client.releaseRaw(`raw-${at}`, `d${at}`);
      });
      list[wide].push((performance.now() - startedAtMs) / fencedMs);
    }
  }
}

await locks.close();
await windows.close();
await redis.close();
admin.disconnect();
plain.disconnect();
server.kill('SIGKILL');
rmSync(dir, { recursive: true, force: true });

const results = {
  gate_cpu_us_per_event: round(gateUs),
  incr_cpu_us: round(incrUs),
  gate_vs_incr: round(gateUs / incrUs),
  store_bytes_per_event: Math.round(usedBytes / count),
  lock_pair_vs_set_nx_px_at_1: round(median(ratios[1])),
  lock_pair_vs_set_nx_px_at_16: round(median(ratios[16])),
  lock_pair_vs_unpipelined_set_nx_px_at_1: round(median(ratiosToPlain[1])),
  lock_pair_vs_unpipelined_set_nx_px_at_16: round(median(ratiosToPlain[16])),
};
console.table([
  {
    what: `gate script, CPU of Redis per event (µs), ${SERVICES} services, 64 at a time`,
    value: results.gate_cpu_us_per_event,
    target: '<= 16',
  },
  { what: 'INCR in the same rounds, CPU of Redis (µs)', value: results.incr_cpu_us, target: '' },
  {
    what: 'bytes in Redis per event within the window, everything included',
    value: results.store_bytes_per_event,
    target: '',
  },
  {
    what: 'fenced lock pair / SET NX PX pair, throughput at 16',
    value: results.lock_pair_vs_set_nx_px_at_16,
    target: '>= 0.95',
  },
  {
    what: 'the same beside a client without auto-pipelining, at 16',
    value: results.lock_pair_vs_unpipelined_set_nx_px_at_16,
    target: '>= 0.95',
  },
  {
    what: 'fenced lock pair / SET NX PX pair, one at a time',
    value: results.lock_pair_vs_set_nx_px_at_1,
    target: '',
  },
]);
console.log(JSON.stringify(results));
