import { PortError } from '@lazarus/core';
import type { Clock, LockGrant, Locks, LockTarget } from '@lazarus/core/ports';
import type { RedisConnection, ScriptReply } from '../connection/connect-redis.ts';
import type { LeaseStore, LockClaim } from './lease.ts';
import { createLease } from './lease.ts';
import { ACQUIRE, BREAK, INSPECT, RELEASE, RENEW } from './lock-scripts.ts';

/** Locks that several processes share. */
export interface RedisLocks extends Locks {
  /** Takes a lock away from whoever holds it; returns whether there was one. The holder learns it at its next renewal. */
  breakLock(target: LockTarget): Promise<boolean>;
  /** Ends every renewal and every lease that is still held here; the locks are free after their TTL. */
  close(): Promise<void>;
}

const CODE = 'LZ_LOCK_UNAVAILABLE';

/**
 * Creates locks over a connection to Redis. A lease is renewed at a third of its TTL while it is held; one that was refused
 * a renewal, or could not be renewed in time, aborts its signal. A lock is an efficiency device: after a failover two
 * holders are possible, and what prevents a double action is the decision id with its durable record. Keeps S4.
 *
 * @example
 * ```ts
 * const redis = await connectRedis({ url: 'redis://127.0.0.1:6379', clock });
 * const locks = createRedisLocks({ redis, clock });
 * ```
 */
export function createRedisLocks(ports: {
  readonly redis: RedisConnection;
  readonly clock: Clock;
}): RedisLocks {
  const { redis, clock } = ports;
  const keyOf = ({ service }: LockTarget): string => `{${redis.prefix}}:lock:${service}`;
  const counterKey = `{${redis.prefix}}:fence`;
  const release = async (claim: LockClaim): Promise<void> => {
    await redis.run(RELEASE, { code: CODE, keys: [keyOf(claim.target)], args: claimArgs(claim) });
  };
  const store: LeaseStore = {
    clock,
    open: new Set(),
    renew: async (claim, ttlMs, deadlineMs) => {
      const reply = await redis.run(RENEW, {
        code: CODE,
        keys: [keyOf(claim.target)],
        args: [...claimArgs(claim), ttlMs],
        deadlineMs,
      });
      return reply[0] === 'renewed';
    },
    release,
  };

  const acquire: Locks['acquire'] = async ({ target, holder, ttlMs }, options): Promise<LockGrant> => {
    const sentAtMs = clock.monotonic();
    const reply = await redis.run(ACQUIRE, {
      code: CODE,
      keys: [keyOf(target), counterKey],
      args: [fieldOf(target), holder, Math.ceil(ttlMs)],
      signal: options?.signal,
      confirm: true,
      // Granted to somebody who no longer waits for it: better free now than after its TTL.
      undo: (late) => {
        if (late[0] === 'granted') release({ target, holder, token: tokenOf(late) }).catch(() => undefined);
      },
    });
    if (reply[0] === 'busy') {
      const [, , heldBy, field] = reply as [string, number, string, string];
      return { granted: false, heldBy, by: targetOf(target.service, field) };
    }
    if (reply[0] === 'early') throw tooEarly(Number(reply[2]));
    const claim = { target, holder, token: tokenOf(reply) };
    return { granted: true, lease: createLease(store, claim, ttlMs, sentAtMs + ttlMs) };
  };

  return {
    acquire,
    inspect: async (target) => {
      const reply = await redis.run(INSPECT, { code: CODE, keys: [keyOf(target)], args: [fieldOf(target)] });
      if (reply[0] !== 'held') return undefined;
      const [, , heldBy, field] = reply as [string, number, string, string];
      return { heldBy, by: targetOf(target.service, field) };
    },
    breakLock: async (target) => {
      const reply = await redis.run(BREAK, { code: CODE, keys: [keyOf(target)], args: [fieldOf(target)] });
      return reply[0] === 'broken';
    },
    close: async () => {
      for (const end of [...store.open]) end('the lock store was closed');
    },
  };
}

function fieldOf(target: LockTarget): string {
  return target.kind === 'service' ? 's' : `h${target.host}`;
}

function targetOf(service: string, field: string): LockTarget {
  return field === 's' ? { kind: 'service', service } : { kind: 'host', service, host: field.slice(1) };
}

function tokenOf([, , epoch, counter]: ScriptReply): LockClaim['token'] {
  return { epoch: Number(epoch), counter: Number(counter) };
}

function claimArgs({ target, holder, token }: LockClaim): (string | number)[] {
  return [fieldOf(target), holder, token.epoch, token.counter];
}

function tooEarly(retryAfterMs: number): PortError {
  return new PortError({
    code: CODE,
    message: `the lock store may have lost locks; nothing new is granted for another ${Math.ceil(retryAfterMs)} ms`,
    retryable: true,
    retryAfterMs,
  });
}
