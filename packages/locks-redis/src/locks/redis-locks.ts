import { PortError } from '@lazarus/core';
import type { Clock, FencingToken, Logger, LockGrant, Locks, LockTarget } from '@lazarus/core/ports';
import { createAlarms } from '@lazarus/core/time';
import type { BatchedCall, ItemReply, SharedParts } from '../connection/batches.ts';
import type { RedisConnection } from '../connection/connect-redis.ts';
import type { LeaseStore, LockClaim } from './lease.ts';
import { RenewedLease } from './lease.ts';
import { ACQUIRE, BREAK, INSPECT, RELEASE, RENEW } from './lock-scripts.ts';

/** Locks that several processes share. */
export interface RedisLocks extends Locks {
  /** Takes a lock away from whoever holds it; returns whether there was one. The holder learns it at its next renewal. */
  breakLock(target: LockTarget): Promise<boolean>;
  /**
   * Ends every renewal and every lease that is still held here; the locks are free after their TTL. What is granted after
   * this is given back, and its caller refused.
   */
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
  readonly log?: Logger;
}): RedisLocks {
  const { redis, clock, log } = ports;
  const keys = [`{${redis.prefix}}:locks`, `{${redis.prefix}}:fence`];
  const shared: SharedParts = { keys, args: () => [] };
  const alarms = createAlarms(clock, log === undefined ? {} : { log });
  const claim = ({ target, holder, token }: LockClaim, ...rest: readonly number[]): BatchedCall<boolean> => ({
    code: CODE,
    group: '',
    shared: () => shared,
    values: [target.service, nameOf(target), holder, token.epoch, token.counter, ...rest],
    read: (reply) => reply === 1,
  });
  const store: LeaseStore = {
    clock,
    log,
    alarms,
    open: new Set(),
    renew: (held, ttlMs, deadlineMs) => redis.ask(RENEW, { ...claim(held, ttlMs), deadlineMs }),
    release: (held) => redis.ask(RELEASE, claim(held)),
  };

  let isClosed = false;
  const isOver = (): boolean => isClosed;
  const acquire: Locks['acquire'] = async ({ target, holder, ttlMs }, options): Promise<LockGrant> => {
    if (isOver()) throw closed();
    const sentAtMs = clock.monotonic();
    const answer = await redis.ask(ACQUIRE, {
      code: CODE,
      group: '',
      shared: () => shared,
      values: [target.service, nameOf(target), holder, Math.ceil(ttlMs)],
      read: readAnswer,
      signal: options?.signal,
      confirm: ({ word }) => word === 'granted',
      // Granted to somebody who no longer waits for it: better free now than after its TTL.
      undo: (late) => {
        if (late.word === 'granted')
          store.release({ target, holder, token: late.token }).catch(() => undefined);
      },
    });
    switch (answer.word) {
      case 'granted': {
        const claimed = { target, holder, token: answer.token };
        if (isOver()) {
          // Granted on the way here: nobody would end its renewals any more. Best effort; it is free after its TTL (L3).
          await store.release(claimed).catch(() => undefined);
          throw closed();
        }
        return { granted: true, lease: new RenewedLease(store, claimed, ttlMs, sentAtMs + ttlMs) };
      }
      case 'busy':
        return { granted: false, heldBy: answer.heldBy, by: targetOf(target.service, answer.name) };
      case 'early':
        throw tooEarly(answer.waitMs);
    }
  };

  return {
    acquire,
    inspect: async (target) => {
      const reply = await redis.run(INSPECT, { code: CODE, keys, args: [target.service, nameOf(target)] });
      if (reply[0] !== 'held') return undefined;
      const [, , heldBy, name] = reply as [string, number, string, string];
      return { heldBy, by: targetOf(target.service, name) };
    },
    breakLock: async (target) => {
      const reply = await redis.run(BREAK, { code: CODE, keys, args: [target.service, nameOf(target)] });
      return reply[0] === 'broken';
    },
    close: async () => {
      isClosed = true;
      for (const lease of [...store.open]) lease.lose('the lock store was closed');
      alarms.close();
    },
  };
}

function nameOf(target: LockTarget): string {
  return target.kind === 'service' ? 's' : `h${target.host}`;
}

function targetOf(service: string, name: string): LockTarget {
  return name === 's' ? { kind: 'service', service } : { kind: 'host', service, host: name.slice(1) };
}

type Answer =
  | { readonly word: 'granted'; readonly token: FencingToken }
  | { readonly word: 'busy'; readonly heldBy: string; readonly name: string }
  | { readonly word: 'early'; readonly waitMs: number };

function readAnswer(reply: ItemReply, { epoch }: { readonly epoch: number }): Answer {
  if (typeof reply === 'number') return { word: 'granted', token: { epoch, counter: reply } };
  const [word, first, second] = reply;
  if (word === 'granted') return { word, token: { epoch: Number(first), counter: Number(second) } };
  return word === 'early'
    ? { word, waitMs: Number(first) }
    : { word: 'busy', heldBy: String(first), name: String(second) };
}

function closed(): PortError {
  return new PortError({ code: CODE, message: 'the lock store was closed', retryable: false });
}

function tooEarly(retryAfterMs: number): PortError {
  return new PortError({
    code: CODE,
    message: `the lock store may have lost locks; nothing new is granted for another ${Math.ceil(retryAfterMs)} ms`,
    retryable: true,
    retryAfterMs,
  });
}
