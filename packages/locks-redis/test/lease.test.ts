import { PortError } from '@lazarus/core';
import type { Lease, LockTarget } from '@lazarus/core/ports';
import { createManualClock, createRecordingLogger } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import type { RedisConnection, RedisLocks } from '../src/index.ts';
import { createRedisLocks } from '../src/index.ts';
import { ACQUIRE, RENEW } from '../src/locks/lock-scripts.ts';

const web = (host: string): LockTarget => ({ kind: 'host', service: 'web', host });

/** Locks over a store that grants everything, and renews as it is told. */
function createLocks() {
  const clock = createManualClock();
  const log = createRecordingLogger();
  const store = { isAway: false, renewed: [] as unknown[] };
  const redis = {
    prefix: 'test',
    ask: async (script, { values, read }) => {
      if (script === ACQUIRE) return read(1, { epoch: 1 } as never);
      if (script !== RENEW) return read(1, {} as never);
      if (store.isAway)
        throw new PortError({ code: 'LZ_LOCK_UNAVAILABLE', message: 'no answer', retryable: true });
      store.renewed.push(values[1]);
      return read(1, {} as never);
    },
  } as Partial<RedisConnection> as RedisConnection;
  const locks = createRedisLocks({ redis, clock, log });
  return { clock, log, store, locks };
}

async function take(locks: RedisLocks, target: LockTarget, ttlMs = 12_000): Promise<Lease> {
  const grant = await locks.acquire({ target, holder: 'd1', ttlMs });
  if (!grant.granted) throw new Error(`held by ${grant.heldBy}`);
  return grant.lease;
}

describe('lease', () => {
  it('of 12 s is renewed after 4 s; a renewal that fails is logged and tried again 1 s later', async () => {
    const { clock, log, store, locks } = createLocks();
    const lease = await take(locks, web('i-1'));
    store.isAway = true;
    await clock.advance(4_000);
    expect(log.lines).toMatchObject([
      {
        level: 'warn',
        message: 'a lock could not be renewed',
        fields: {
          lock: 'host i-1 of web',
          holder: 'd1',
          left_ms: 8_000,
          error: expect.stringContaining('no answer') as string,
        },
      },
    ]);
    store.isAway = false;
    await clock.advance(1_000);
    expect(store.renewed).toEqual(['hi-1']);
    expect(lease.remainingMs()).toBe(12_000);
    await locks.close();
    expect(clock.pending).toBe(0);
  });

  it('whose alarm throws is logged, and the lease beside it is renewed all the same', async () => {
    const { clock, log, store, locks } = createLocks();
    let isBroken = false;
    const broken: LockTarget = {
      get kind(): 'host' {
        if (isBroken) throw new Error('boom');
        return 'host';
      },
      service: 'web',
      host: 'i-1',
    };
    await take(locks, broken, 6_000);
    store.isAway = true;
    await clock.advance(5_999);
    isBroken = true;
    store.isAway = false;
    const beside = await take(locks, web('i-2'));
    await clock.advance(4_001);
    expect(log.lines.at(-1)).toMatchObject({
      level: 'error',
      message: 'an alarm threw',
      fields: { error: 'Error: boom' },
    });
    expect(store.renewed).toEqual(['hi-2']);
    expect(beside.remainingMs()).toBeGreaterThan(11_000);
    await locks.close();
  });

  it('ends its signal at its TTL when the store stays away, with what happened (S4)', async () => {
    const { clock, store, locks } = createLocks();
    const lease = await take(locks, web('i-1'));
    store.isAway = true;
    await clock.advance(11_999);
    expect(lease.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(lease.signal.reason).toMatchObject({
      code: 'LZ_LOCK_LOST',
      message: 'the lock on host i-1 of web is lost: it expired before it could be renewed',
    });
    expect(lease.remainingMs()).toBe(0);
    expect(clock.pending).toBe(0);
  });
});
