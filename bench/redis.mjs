/**
 * What the shared state in Redis costs: the gate script (dedupe, service window, region window and breaker in one trip) in
 * CPU time of the server per event, and a fenced lock pair side by side with a bare `SET NX PX` and its compare-and-delete,
 * and with Redlock on three servers. All clients pipeline automatically. Rounds are short and interleaved; the median of
 * the ratios counts.
 *
 * `*_lock_pair_cpu_us` is the CPU time of both sides per pair: while callers wait for each other's answers, one side works
 * at a time, and the sum is what throughput follows on a machine that others use, too.
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
import { Redlock } from '@sesamecare-oss/redlock';
import { Redis } from 'ioredis';
import { readServers } from '../tools/servers.mjs';

const { redisServer, ldLibraryPath } = readServers() ?? {};
if (redisServer === undefined) {
  console.log(JSON.stringify({ skipped: 'redis-server was not found: run node tools/servers.mjs' }));
  process.exit(0);
}

const SERVICES = 3_000;
const EVENTS = 5_000;
const GATE_ROUNDS = 21;
const PAIRS = { 1: 200, 16: 1_000 };
const LOCK_ROUNDS = 25;
const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end`;

async function start() {
  const dir = mkdtempSync(join(tmpdir(), 'lazarus-bench-'));
  const port = await new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address();
      probe.close(() => resolve(free));
    });
  });
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', dir];
  const env = { ...process.env, ...(ldLibraryPath ? { LD_LIBRARY_PATH: ldLibraryPath } : {}) };
  const server = spawn(redisServer, args, { stdio: 'ignore', env });
  const client = new Redis(port, {
    enableAutoPipelining: true,
    retryStrategy: () => 50,
    maxRetriesPerRequest: null,
  });
  client.on('error', () => {});
  await client.ping();
  const stop = () => {
    client.disconnect();
    server.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  };
  return { url: `redis://127.0.0.1:${port}`, client, stop };
}

/** CPU time of a server, microseconds. */
async function cpuUs(client) {
  const text = await client.info('cpu');
  const read = (name) => Number(new RegExp(`${name}:([\\d.]+)`).exec(text)[1]) * 1e6;
  return read('used_cpu_user') + read('used_cpu_sys');
}

async function scriptStats(client) {
  const [, calls, us] = /cmdstat_evalsha:calls=(\d+),usec=(\d+)/.exec(await client.info('commandstats'));
  return { calls: Number(calls), us: Number(us) };
}

const quantile = (list, share) =>
  [...list].sort((left, right) => left - right)[Math.floor(list.length * share)];
const median = (list) => quantile(list, 0.5);
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

const clock = createSystemClock();
const servers = [await start(), await start(), await start()];
const [{ url, client: admin }] = servers;
admin.defineCommand('releaseRaw', { numberOfKeys: 1, lua: RELEASE });
const plain = new Redis(url);
plain.defineCommand('releaseRaw', { numberOfKeys: 1, lua: RELEASE });
await plain.ping();
const redis = await connectRedis({ url, graceMs: 0, deadlineMs: 10_000, clock });
const windows = createRedisWindows({ redis, clock, history: async () => [] });
const locks = createRedisLocks({ redis, clock });
await redis.health();

// The gate -----------------------------------------------------------------------------------------------------------------
let count = 0;
const observe = () => {
  count += 1;
  return windows.observe({
    eventId: `nagios/eu-1/e-${count}`,
    region: 'r',
    service: `service-${(count * 7_919) % SERVICES}`,
    entity: `i-0abc${count % 7}`,
  });
};
const gate = { 64: [], 8: [] };
const perCall = [];
const incr = [];
await inParallel(EVENTS, 64, observe);
for (let pass = 0; pass < GATE_ROUNDS; pass += 1) {
  for (const wide of [64, 8]) {
    const stats = await scriptStats(admin);
    const before = await cpuUs(admin);
    await inParallel(EVENTS, wide, observe);
    gate[wide].push(((await cpuUs(admin)) - before) / EVENTS);
    const after = await scriptStats(admin);
    if (wide === 64) perCall.push((after.us - stats.us) / EVENTS);
  }
  const before = await cpuUs(admin);
  await inParallel(EVENTS, 64, (at) => admin.incr(`counter-${at % SERVICES}`));
  incr.push(((await cpuUs(admin)) - before) / EVENTS);
}
const usedBytes = Number(/used_memory:(\d+)/.exec(await admin.info('memory'))[1]);

// The lock pair ---------------------------------------------------------------------------------------------------------------
const redlock = new Redlock(
  servers.map(({ client }) => client),
  { retryCount: 0, automaticExtensionThreshold: 500 },
);
const rawPair = (client) => async (at) => {
  await client.set(`raw-${at}`, `d${at}`, 'PX', 30_000, 'NX');
  await client.releaseRaw(`raw-${at}`, `d${at}`);
};
const contestants = {
  fenced: async (at) => {
    const grant = await locks.acquire({
      target: { kind: 'host', service: `s${at % 64}`, host: `h${at}` },
      holder: `d${at}`,
      ttlMs: 30_000,
    });
    await grant.lease.release();
  },
  raw: rawPair(admin),
  unpipelined: rawPair(plain),
  redlock: async (at) => {
    const lock = await redlock.acquire([`red-${at}`], 30_000);
    await lock.release();
  },
};
const names = Object.keys(contestants);
const empty = () => Object.fromEntries(names.map((name) => [name, { 1: [], 16: [] }]));
const us = empty();
const cpu = empty();
for (const name of names) await inParallel(500, 16, contestants[name]);
for (let turn = 0; turn < names.length * LOCK_ROUNDS; turn += 1) {
  const name = names[(turn + Math.floor(turn / names.length)) % names.length];
  for (const wide of [1, 16]) {
    const serverUs = await cpuUs(admin);
    const own = process.cpuUsage();
    const startedAtMs = performance.now();
    await inParallel(PAIRS[wide], wide, contestants[name]);
    us[name][wide].push(((performance.now() - startedAtMs) * 1_000) / PAIRS[wide]);
    const spent = process.cpuUsage(own);
    cpu[name][wide].push((spent.user + spent.system + (await cpuUs(admin)) - serverUs) / PAIRS[wide]);
  }
}
/** How many times as many pairs of ours in the same time, round by round. */
const ratio = (other, wide) => median(us[other][wide].map((time, at) => time / us.fenced[wide][at]));

await locks.close();
await windows.close();
await redis.close();
plain.disconnect();
for (const server of servers) server.stop();

const results = {
  bench: 'redis',
  node: process.version,
  gate_cpu_us_per_event: round(median(gate[64])),
  gate_cpu_us_per_event_p10: round(quantile(gate[64], 0.1)),
  gate_cpu_us_per_event_at_8: round(median(gate[8])),
  gate_script_us_per_event: round(median(perCall)),
  incr_cpu_us: round(median(incr)),
  gate_vs_incr: round(median(gate[64].map((value, at) => value / incr[at]))),
  store_bytes_per_event: Math.round(usedBytes / count),
  lock_pair_vs_set_nx_px_at_16: round(ratio('raw', 16)),
  lock_pair_vs_set_nx_px_at_1: round(ratio('raw', 1)),
  lock_pair_vs_unpipelined_set_nx_px_at_16: round(ratio('unpipelined', 16)),
  lock_pair_vs_unpipelined_set_nx_px_at_1: round(ratio('unpipelined', 1)),
  lock_pair_vs_redlock_at_16: round(ratio('redlock', 16)),
  lock_pair_vs_redlock_at_1: round(ratio('redlock', 1)),
  fenced_lock_pair_cpu_us: round(median(cpu.fenced[16])),
  set_nx_px_lock_pair_cpu_us: round(median(cpu.raw[16])),
};
const rows = [
  [`gate, CPU of Redis per event (µs), ${SERVICES} services, 64 at a time`, 'gate_cpu_us_per_event', '<= 16'],
  ['  in the fastest tenth of the rounds', 'gate_cpu_us_per_event_p10', ''],
  ['  8 at a time', 'gate_cpu_us_per_event_at_8', ''],
  ['  time within the script by INFO commandstats (µs)', 'gate_script_us_per_event', ''],
  ['INCR in the same rounds, CPU of Redis (µs)', 'incr_cpu_us', ''],
  ['bytes in Redis per event within the window, everything included', 'store_bytes_per_event', ''],
  ['fenced lock pair / SET NX PX pair, throughput at 16', 'lock_pair_vs_set_nx_px_at_16', '>= 0.95'],
  ['  one at a time', 'lock_pair_vs_set_nx_px_at_1', ''],
  ['  beside a client that does not pipeline, at 16', 'lock_pair_vs_unpipelined_set_nx_px_at_16', ''],
  ['fenced lock pair / Redlock on three servers, at 16', 'lock_pair_vs_redlock_at_16', '>= 3'],
  ['  one at a time', 'lock_pair_vs_redlock_at_1', ''],
  ['fenced lock pair, CPU of both sides (µs)', 'fenced_lock_pair_cpu_us', ''],
  ['SET NX PX pair, CPU of both sides (µs)', 'set_nx_px_lock_pair_cpu_us', ''],
];
console.table(rows.map(([what, name, target]) => ({ what, value: results[name], target })));
console.log(JSON.stringify(results));
