import { z } from 'zod';
import { LeaseLostError } from '../errors/lazarus-error.ts';
import { parseOptions } from '../errors/parse-options.ts';
import type { LockTable } from '../locks/lock-table.ts';
import {
  acquireLock,
  breakLock,
  createLockTable,
  inspectLock,
  releaseLock,
  renewLock,
} from '../locks/lock-table.ts';
import type { Clock } from '../ports/clock.ts';
import type { FencingToken, Lease, LockRequest, Locks, LockTarget } from '../ports/locks.ts';

/** Options of {@link createMemoryLocks}. */
export const MemoryLocksOptions = z.strictObject({
  /** Higher than that of any earlier store. @defaultValue seconds since the epoch when the store is made */
  epoch: z.int().min(0).optional(),
});

/** Locks within one process. */
export interface MemoryLocks extends Locks {
  /** Takes a lock away from whoever holds it; returns whether anybody did. The holder learns it at its next renewal. */
  breakLock(target: LockTarget): Promise<boolean>;
  /** Ends every renewal and every lease that is still held. */
  close(): Promise<void>;
}

/** A lease is renewed when this share of its TTL has passed, so that two renewals may fail before it is lost. */
const RENEW_AFTER = 1 / 3;

/** A reason that costs nothing: `abort()` alone makes an exception with a stack each time. */
const NO_LONGER_NEEDED = Symbol('no longer needed');

/**
 * Creates locks for the nodes of one process. Leases are renewed at a third of their TTL while they are held; one that is
 * lost aborts its signal. Nothing survives the process: the fencing epoch of the next one is higher. Keeps S4.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 */
export function createMemoryLocks(
  options: z.input<typeof MemoryLocksOptions> & { readonly clock: Clock },
): MemoryLocks {
  const { clock, ...rest } = options;
  const { epoch } = parseOptions('createMemoryLocks', MemoryLocksOptions, rest);
  let table = createLockTable(epoch ?? Math.floor(clock.now() / 1_000));
  const step = <V>(next: { readonly state: LockTable; readonly verdict: V }): V => {
    table = next.state;
    return next.verdict;
  };
  const store: LeaseStore = {
    clock,
    renew: (claim) => step(renewLock(table, claim, clock.monotonic())),
    release: (claim) => void step(releaseLock(table, claim, clock.monotonic())),
    open: new Set(),
  };

  return {
    acquire: async (request, acquireOptions) => {
      acquireOptions?.signal?.throwIfAborted();
      const verdict = step(acquireLock(table, request, clock.monotonic()));
      if (!verdict.granted) return verdict;
      return { granted: true, lease: createLease(store, request, verdict.token, verdict.expiresAtMs) };
    },
    inspect: (target) => {
      const held = inspectLock(table, target, clock.monotonic());
      return held === undefined ? undefined : { heldBy: held.holder, by: held.target };
    },
    breakLock: async (target) => step(breakLock(table, target)).broken,
    close: async () => {
      for (const end of [...store.open]) end('the lock store was closed');
    },
  };
}

type Claim = Pick<LockRequest, 'target' | 'holder'> & { readonly token: FencingToken };

interface LeaseStore {
  readonly clock: Clock;
  renew(
    claim: Claim & { readonly ttlMs: number },
  ): { renewed: true; expiresAtMs: number } | { renewed: false };
  release(claim: Claim): void;
  /** Ends a lease that is still held, with the reason for which it is lost. */
  readonly open: Set<(reason: string) => void>;
}

function createLease(store: LeaseStore, request: LockRequest, token: FencingToken, untilMs: number): Lease {
  const claim = { target: request.target, holder: request.holder, token };
  const lost = new AbortController();
  const renewals = new AbortController();
  let expiresAtMs = untilMs;
  let isHeld = true;

  const end = (): void => {
    isHeld = false;
    store.open.delete(lose);
    renewals.abort(NO_LONGER_NEEDED);
  };
  const lose = (reason: string): void => {
    if (!isHeld) return;
    end();
    lost.abort(
      new LeaseLostError({
        message: `the lock on ${nameOf(claim.target)} is lost: ${reason}`,
        details: { ...claim },
      }),
    );
  };
  const keepRenewing = async (): Promise<void> => {
    while (isHeld) {
      await store.clock.sleep(request.ttlMs * RENEW_AFTER, { signal: renewals.signal });
      const answer = store.renew({ ...claim, ttlMs: request.ttlMs });
      if (answer.renewed) expiresAtMs = answer.expiresAtMs;
      else lose('the renewal was refused');
    }
  };
  store.open.add(lose);
  keepRenewing().catch(() => undefined);

  return {
    ...claim,
    signal: lost.signal,
    remainingMs: () => (isHeld ? Math.max(0, expiresAtMs - store.clock.monotonic()) : 0),
    release: async () => {
      if (!isHeld) return;
      end();
      store.release(claim);
    },
  };
}

function nameOf(target: LockTarget): string {
  return target.kind === 'host' ? `host ${target.host} of ${target.service}` : `service ${target.service}`;
}
