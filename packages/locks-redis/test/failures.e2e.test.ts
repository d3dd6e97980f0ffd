import { createSystemClock } from '@lazarus/core';
import { compareFencingTokens } from '@lazarus/core/gates';
import type { BudgetCharge, Lease, LockTarget, Pause, Pauses, RolloutRecord } from '@lazarus/core/ports';
import { afterEach, describe, expect, it } from 'vitest';
import type { RedisConnection } from '../src/index.ts';
import {
  connectRedis,
  createRedisBudgets,
  createRedisLocks,
  createRedisPauses,
  createRedisRolloutStore,
  createRedisWindows,
} from '../src/index.ts';
import type { RedisServer } from '../../../tools/redis-server.ts';
import { startRedis, whyNoRedis, withRedis } from '../../../tools/redis-server.ts';

const clock = createSystemClock();
const web1: LockTarget = { kind: 'host', service: 'web', host: 'i-1' };
const charge: BudgetCharge = { decisionId: 'd1', service: 'web', zone: 'a', account: '1', region: 'r' };
const place = { region: 'r', service: 'web' };
const pause: Pause = { scope: {}, author: 'ada', reason: 'storm', since: '2026-01-01T00:00:00Z' };

/** The record of a profile after so many changes. */
const rolloutAt = (epoch: number): RolloutRecord => ({
  profile: 'fleet',
  epoch,
  accepted: { edit: 'e', document: { kind: 'profile', path: 'profiles/fleet.yaml', text: '{}' } },
});

const open: { close(): Promise<void> }[] = [];
const servers: RedisServer[] = [];

async function start(settings?: Record<string, string>): Promise<RedisServer> {
  const server = await startRedis(settings);
  servers.push(server);
  return server;
}

function keep<T extends { close(): Promise<void> }>(thing: T): T {
  open.unshift(thing);
  return thing;
}

async function startPair(): Promise<{ readonly primary: RedisServer; readonly replica: RedisServer }> {
  const primary = await start({ 'repl-diskless-sync-delay': '0' });
  const replica = await start({ replicaof: `127.0.0.1 ${primary.port}` });
  const state = (): Promise<string> => replica.admin.info('replication');
  await expect.poll(state, { timeout: 15_000 }).toContain('master_link_status:up');
  return { primary, replica };
}

interface NodeOptions {
  readonly graceMs?: number;
  readonly confirmReplicas?: number;
  readonly deadlineMs?: number;
}

/** Everything that one node shares, over one connection; it knows of nothing that happened before. */
async function node(url: string, options: NodeOptions = {}) {
  const redis = keep(await connectRedis({ url, graceMs: 0, ...options, clock }));
  const ports = { redis, clock };
  return {
    redis,
    locks: keep(createRedisLocks(ports)),
    windows: keep(createRedisWindows({ ...ports, history: async () => [], breaker: { maxServices: 1 } })),
    budgets: keep(createRedisBudgets({ ...ports, history: async () => [] })),
    pauses: keep(createRedisPauses({ ...ports, history: async () => [] })),
    rollouts: keep(createRedisRolloutStore({ ...ports, history: async () => [] })),
  };
}

type Node = Awaited<ReturnType<typeof node>>;

async function take(on: Node, holder: string, ttlMs = 1_500): Promise<Lease> {
  const grant = await on.locks.acquire({ target: web1, holder, ttlMs });
  if (!grant.granted) throw new Error(`held by ${grant.heldBy}`);
  return grant.lease;
}

/** Every call of every port, as the decision makes them. */
const calls: readonly (readonly [code: string, call: (on: Node) => Promise<unknown>])[] = [
  ['LZ_LOCK_UNAVAILABLE', (on) => on.locks.acquire({ target: web1, holder: 'd9', ttlMs: 30_000 })],
  [
    'LZ_WINDOWS_UNAVAILABLE',
    async (on) => on.windows.observe({ eventId: 'e/9', region: 'r', service: 'web', entity: 'h9' }),
  ],
  ['LZ_WINDOWS_UNAVAILABLE', async (on) => on.windows.view(place)],
  ['LZ_BUDGET_UNAVAILABLE', (on) => on.budgets.reserve({ ...charge, decisionId: 'd9' })],
  ['LZ_PAUSE_UNAVAILABLE', async (on) => on.pauses.active(place)],
  ['LZ_CONFIG_UNREADABLE', (on) => on.rollouts.load()],
  ['LZ_CONFIG_UNREADABLE', (on) => on.rollouts.save(rolloutAt(9))],
];

const activePause = async (pauses: Pick<Pauses, 'active'>): Promise<Pause | 'away' | undefined> => {
  try {
    return await pauses.active(place);
  } catch {
    return 'away';
  }
};

async function works(on: Node): Promise<void> {
  await expect.poll(() => on.budgets.peek(charge).catch(() => undefined), { timeout: 10_000 }).toBeDefined();
  await expect.poll(() => activePause(on.pauses), { timeout: 10_000 }).toBeUndefined();
}

async function epochOf(redis: RedisConnection): Promise<number> {
  const health = await redis.health();
  if (!health.ok) throw new Error(health.reason);
  return health.epoch;
}

describe.skipIf(whyNoRedis() !== undefined)(withRedis('Redis in trouble'), () => {
  afterEach(async () => {
    for (const thing of open.splice(0)) await thing.close();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it('suspends within 500 ms while Redis is stopped, does nothing late, and goes on by itself afterwards', async () => {
    const server = await start();
    const [a, b] = [await node(server.url), await node(server.url)];
    await works(a);
    // The server knows the scripts from here on, so that a late call would be carried out.
    await (await take(a, 'before')).release();
    await a.budgets.reserve({ ...charge, decisionId: 'before' });
    await a.budgets.settle('before', { effects: false });
    server.pause();
    for (const [code, call] of calls) {
      const sentAtMs = clock.monotonic();
      await expect(call(a)).rejects.toMatchObject({ code, retryable: true });
      expect(clock.monotonic() - sentAtMs).toBeLessThan(1_500);
    }
    expect((await a.redis.health()).ok).toBe(false);
    server.resume();
    await works(b);
    // What was asked for while it was stopped lay in its sockets; it is not carried out any more.
    await works(a);
    expect(await b.locks.inspect(web1)).toBeUndefined();
    expect(await b.budgets.inFlight()).toEqual([]);
    expect(await a.locks.acquire({ target: web1, holder: 'd1', ttlMs: 30_000 })).toMatchObject({
      granted: true,
    });
  });

  it('frees at once what was granted to somebody who no longer waits, of 20 who asked in one turn', async () => {
    const server = await start();
    const a = await node(server.url);
    await works(a);
    const leaving = new AbortController();
    const asked = Array.from({ length: 20 }, (_, at) =>
      a.locks.acquire(
        { target: { kind: 'host', service: 'web', host: `i-${at}` }, holder: `d${at}`, ttlMs: 30_000 },
        at % 2 === 0 ? { signal: leaving.signal } : {},
      ),
    );
    server.pause();
    setTimeout(() => leaving.abort(new Error('the event is over')), 50);
    setTimeout(() => server.resume(), 150);
    const answers = await Promise.allSettled(asked);
    expect(answers.filter(({ status }) => status === 'rejected').length).toBe(10);
    const heldBy = async (at: number) => a.locks.inspect({ kind: 'host', service: 'web', host: `i-${at}` });
    await expect
      .poll(async () => (await Promise.all(asked.map((_, at) => heldBy(at)))).filter(Boolean).length)
      .toBe(10);
    expect(await heldBy(1)).toMatchObject({ heldBy: 'd1' });
  });

  it('starts while Redis is away, suspends, and works as soon as it is there', async () => {
    const server = await start();
    const { url } = server;
    await server.kill();
    const late = await node(url);
    for (const [code, call] of calls) await expect(call(late)).rejects.toMatchObject({ code });
    await server.restart();
    await works(late);
  });

  it('a restart without a disk begins an epoch: leases are lost, and budgets, breaker and pauses come from the nodes', async () => {
    const server = await start();
    const redis = keep(await connectRedis({ url: server.url, graceMs: 0, clock }));
    const locks = keep(createRedisLocks({ redis, clock }));
    const budgets = keep(createRedisBudgets({ redis, clock, history: async () => [{ charge }] }));
    const pauses = keep(createRedisPauses({ redis, clock, history: async () => [] }));
    const seen = ['a', 'b', 'c'].map((service) => ({
      eventId: `e/${service}`,
      region: 'r',
      service,
      entity: 'h',
      ageMs: 1_000,
    }));
    const windows = keep(
      createRedisWindows({ redis, clock, breaker: { maxServices: 2 }, history: async () => seen }),
    );
    const rollouts = keep(createRedisRolloutStore({ redis, clock, history: async () => [] }));
    const on: Node = { redis, locks, budgets, pauses, windows, rollouts };
    await works(on);
    await pauses.set(pause);
    const lease = await take(on, 'd1');
    const epoch = await epochOf(redis);
    await server.restart();
    await expect.poll(() => lease.signal.aborted, { timeout: 5_000 }).toBe(true);
    await expect.poll(() => activePause(pauses), { timeout: 5_000 }).toEqual(pause);
    await expect.poll(async () => (await windows.view(place)).breaker.state, { timeout: 5_000 }).toBe('open');
    await expect.poll(() => budgets.holds('d1'), { timeout: 5_000 }).toBe(true);
    expect(await epochOf(redis)).toBeGreaterThan(epoch);
    const next = await take(on, 'd2');
    expect(compareFencingTokens(next.token, lease.token)).toBeGreaterThan(0);
  });

  it('a restart with a disk keeps leases, reservations, pauses and the open breaker, in a new epoch (S7)', async () => {
    const server = await start({ appendonly: 'yes', appendfsync: 'always' });
    const a = await node(server.url);
    await works(a);
    const lease = await take(a, 'd1', 6_000);
    await a.budgets.reserve(charge);
    await a.pauses.set(pause);
    for (const service of ['s1', 's2'])
      await a.windows.observe({ eventId: `e/${service}`, region: 'r', service, entity: 'h' });
    const epoch = await epochOf(a.redis);
    await server.restart();
    await expect.poll(() => activePause(a.pauses), { timeout: 5_000 }).toEqual(pause);
    expect(await epochOf(a.redis)).toBeGreaterThan(epoch);
    expect((await a.windows.view(place)).breaker).toMatchObject({ state: 'open', services: 2 });
    expect(await a.budgets.holds('d1')).toBe(true);
    expect(await a.locks.acquire({ target: web1, holder: 'd2', ttlMs: 1_000 })).toMatchObject({
      granted: false,
      heldBy: 'd1',
    });
    await clock.sleep(7_000);
    expect(lease.signal.aborted).toBe(false);
    expect(lease.remainingMs()).toBeGreaterThan(0);
  });

  it('grants nothing new during the grace after lost state, and counts the budget as spent and the breaker as unknown', async () => {
    const server = await start();
    const a = await node(server.url, { graceMs: 1_500 });
    await expect(a.locks.acquire({ target: web1, holder: 'd1', ttlMs: 1_000 })).rejects.toMatchObject({
      code: 'LZ_LOCK_UNAVAILABLE',
      retryable: true,
      retryAfterMs: expect.any(Number) as number,
    });
    await expect(a.budgets.reserve(charge)).rejects.toMatchObject({ code: 'LZ_BUDGET_UNAVAILABLE' });
    await expect(a.pauses.active(place)).rejects.toMatchObject({ code: 'LZ_PAUSE_UNAVAILABLE' });
    expect((await a.windows.view(place)).breaker.state).toBe('unknown');
    await works(a);
    expect((await a.windows.view(place)).breaker.state).toBe('closed');
    expect((await take(a, 'd1')).holder).toBe('d1');
  });

  it('does not know the state of rollouts after it was lost, until the grace is over and a node added the later record (S15)', async () => {
    const server = await start();
    const files: RolloutRecord[][] = [[], []];
    const [a, b] = await Promise.all(
      files.map(async (_, at) => {
        const redis = keep(await connectRedis({ url: server.url, graceMs: 700, clock }));
        return keep(
          createRedisRolloutStore({
            redis,
            clock,
            history: async () => files[at] ?? [],
            save: async (records) => void (files[at] = [...records]),
          }),
        );
      }),
    );
    const known = { timeout: 10_000 };
    await expect.poll(() => a!.load().catch(() => 'unknown'), known).toEqual([]);
    expect(await a!.save(rolloutAt(1))).toBe(true);
    await b!.load();
    expect(await a!.save(rolloutAt(2))).toBe(true);
    await a!.load();
    expect(files.map((file) => file.map(({ epoch }) => epoch))).toEqual([[2], [1]]);
    await server.restart();
    await expect(a!.load()).rejects.toMatchObject({ code: 'LZ_CONFIG_UNREADABLE', retryable: true });
    await expect(b!.save(rolloutAt(1))).rejects.toMatchObject({ code: 'LZ_CONFIG_UNREADABLE' });
    await expect.poll(() => b!.load().catch(() => 'unknown'), known).toEqual([rolloutAt(2)]);
    expect(await b!.save(rolloutAt(2))).toBe(false);
    expect(await b!.save(rolloutAt(3))).toBe(true);
  });

  it('notices that the store was emptied, and begins an epoch', async () => {
    const server = await start();
    const a = await node(server.url);
    await works(a);
    const before = await epochOf(a.redis);
    await server.admin.flushall();
    await works(a);
    expect(await epochOf(a.redis)).toBeGreaterThan(before);
  });

  it('does not use a replica, and begins an epoch when it is promoted', async () => {
    const { primary, replica } = await startPair();
    const a = await node(primary.url);
    await works(a);
    const before = await epochOf(a.redis);
    const b = await node(replica.url);
    await expect(b.locks.inspect(web1)).rejects.toMatchObject({
      code: 'LZ_LOCK_UNAVAILABLE',
      details: { reply: 'READONLY' },
      retryable: true,
    });
    await replica.admin.replicaof('NO', 'ONE');
    await works(b);
    expect(await epochOf(b.redis)).toBeGreaterThan(before);
  });

  it('suspends when its primary is demoted behind its back (READONLY), and goes on when it is primary again', async () => {
    const [server, other] = [await start(), await start()];
    const a = await node(server.url);
    await works(a);
    const before = await epochOf(a.redis);
    await server.admin.replicaof('127.0.0.1', other.port);
    for (const [code, call] of calls) await expect(call(a)).rejects.toMatchObject({ code });
    await server.admin.replicaof('NO', 'ONE');
    await works(a);
    expect(await epochOf(a.redis)).toBeGreaterThan(before);
  });

  it('what a lock cannot promise: after failover to a replica that lagged there are two holders, in two epochs', async () => {
    const { primary, replica } = await startPair();
    const a = await node(primary.url);
    await works(a);
    replica.pause();
    await primary.admin.call('CLIENT', 'KILL', 'TYPE', 'replica');
    const first = await take(a, 'd1', 20_000);
    // The primary is cut off from the one who promotes, not from its holder.
    primary.pause();
    replica.resume();
    await replica.admin.replicaof('NO', 'ONE');
    primary.resume();
    const b = await node(replica.url);
    await works(b);
    const second = await take(b, 'd2', 20_000);
    expect([first.signal.aborted, second.signal.aborted]).toEqual([false, false]);
    expect(first.remainingMs()).toBeGreaterThan(0);
    // A guard that compares tokens tells them apart; the decision id with its record is what keeps S1.
    expect(second.token.epoch).toBeGreaterThan(first.token.epoch);
  });

  it('grants nothing that no replica confirmed when it is told to wait for one', async () => {
    const { primary, replica } = await startPair();
    const a = await node(primary.url, { confirmReplicas: 1, deadlineMs: 1_000 });
    await works(a);
    await expect.poll(() => take(a, 'd1').catch(() => undefined), { timeout: 10_000 }).toBeDefined();
    await a.locks.breakLock(web1);
    replica.pause();
    await expect(a.locks.acquire({ target: web1, holder: 'd2', ttlMs: 30_000 })).rejects.toMatchObject({
      code: 'LZ_LOCK_UNAVAILABLE',
      details: { replicas: 0 },
    });
    await expect(a.budgets.reserve(charge)).rejects.toMatchObject({ code: 'LZ_BUDGET_UNAVAILABLE' });
    await expect.poll(() => a.locks.inspect(web1), { timeout: 5_000 }).toBeUndefined();
    await expect.poll(() => a.budgets.inFlight(), { timeout: 5_000 }).toEqual([]);
    replica.resume();
    await expect.poll(() => take(a, 'd2').catch(() => undefined), { timeout: 10_000 }).toBeDefined();
  });

  it('suspends without memory (OOM), keeps what it has, and goes on when there is memory', async () => {
    const server = await start({ maxmemory: '3mb', 'maxmemory-policy': 'noeviction' });
    const a = await node(server.url);
    await works(a);
    const lease = await take(a, 'd1', 20_000);
    const api: LockTarget = { kind: 'service', service: 'api' };
    const released = await a.locks.acquire({ target: api, holder: 'd2', ttlMs: 60_000 });
    const filler = 'x'.repeat(100_000);
    await server.admin.append('filler', filler);
    for (let full = false; !full;) {
      full = await server.admin.append('filler', filler).then(
        () => false,
        () => true,
      );
    }
    const other: LockTarget = { kind: 'host', service: 'web', host: 'i-2' };
    const writing = [
      ['LZ_LOCK_UNAVAILABLE', (on: Node) => on.locks.acquire({ target: other, holder: 'd9', ttlMs: 30_000 })],
      ['LZ_PAUSE_UNAVAILABLE', (on: Node) => on.pauses.set(pause)],
      calls[1]!,
      calls[3]!,
      ['LZ_CONFIG_UNREADABLE', (on: Node) => on.rollouts.save(rolloutAt(1))],
    ] as const;
    for (const [code, call] of writing) {
      await expect(call(a)).rejects.toMatchObject({ code, details: { reply: 'OOM' }, retryable: true });
    }
    expect(await a.locks.inspect(web1)).toMatchObject({ heldBy: 'd1' });
    expect(await a.locks.inspect(other)).toBeUndefined();
    if (released.granted) await released.lease.release();
    expect(await a.locks.inspect(api)).toBeUndefined();
    await server.admin.config('SET', 'maxmemory', '100mb');
    await server.admin.del('filler');
    expect(await calls[1]![1](a)).toMatchObject({ firstSeen: true });
    expect(lease.signal.aborted).toBe(false);
  });

  it('refuses a server that may evict our keys until its policy is corrected', async () => {
    const server = await start({ maxmemory: '50mb', 'maxmemory-policy': 'volatile-lru' });
    const a = await node(server.url);
    await expect(a.locks.inspect(web1)).rejects.toMatchObject({
      code: 'LZ_LOCK_UNAVAILABLE',
      message: expect.stringContaining('volatile-lru') as string,
      retryable: false,
    });
    expect(await a.redis.health()).toMatchObject({ ok: false });
    await server.admin.config('SET', 'maxmemory-policy', 'noeviction');
    await works(a);
  });
});
