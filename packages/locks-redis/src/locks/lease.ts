import { LeaseLostError } from '@lazarus/core';
import type { Clock, FencingToken, Lease, LockTarget } from '@lazarus/core/ports';

/** Names one grant. */
export interface LockClaim {
  readonly target: LockTarget;
  readonly holder: string;
  readonly token: FencingToken;
}

/** What a lease needs of its store. */
export interface LeaseStore {
  readonly clock: Clock;
  /** Resolves false when the lock is no longer this claim's; rejects when the store did not answer. */
  renew(claim: LockClaim, ttlMs: number, deadlineMs: number): Promise<boolean>;
  release(claim: LockClaim): Promise<void>;
  /** Ends a lease that is still held, with the reason for which it is lost. */
  readonly open: Set<(reason: string) => void>;
}

/** A lease is renewed when this share of its TTL has passed, so that two renewals may fail before it is lost. */
const RENEW_AFTER = 1 / 3;
/** After a failed renewal it is tried again this soon, as a share of the TTL. */
const RETRY_AFTER = 1 / 12;

/**
 * Keeps a lock for as long as it is held. Its end is counted on the local monotonic clock from before the request was
 * sent, so it is never later than the end on the server: a store that does not answer, or a process that was stopped,
 * loses the lease in time. Keeps S4.
 */
export function createLease(store: LeaseStore, claim: LockClaim, ttlMs: number, untilMs: number): Lease {
  const { clock } = store;
  const lost = new AbortController();
  const renewals = new AbortController();
  let expiresAtMs = untilMs;
  let isHeld = true;

  const end = (): void => {
    isHeld = false;
    store.open.delete(lose);
    // A reason of our own: the default one is an exception with a stack.
    renewals.abort('released');
  };
  const lose = (reason: string): void => {
    if (!isHeld) return;
    end();
    const message = `the lock on ${nameOf(claim.target)} is lost: ${reason}`;
    lost.abort(new LeaseLostError({ message, details: { ...claim } }));
  };
  const remainingMs = (): number => (isHeld ? Math.max(0, expiresAtMs - clock.monotonic()) : 0);
  const renewOnce = async (): Promise<number> => {
    const sentAtMs = clock.monotonic();
    try {
      if (!(await store.renew(claim, ttlMs, Math.max(1, remainingMs())))) {
        lose('the renewal was refused');
        return 0;
      }
      expiresAtMs = Math.max(expiresAtMs, sentAtMs + ttlMs);
      return ttlMs * RENEW_AFTER;
    } catch {
      return ttlMs * RETRY_AFTER;
    }
  };
  const keepRenewing = async (): Promise<void> => {
    let waitMs = ttlMs * RENEW_AFTER;
    while (isHeld) {
      await clock.sleep(Math.min(waitMs, remainingMs()), { signal: renewals.signal });
      if (remainingMs() === 0) lose('it expired before it could be renewed');
      else waitMs = await renewOnce();
    }
  };
  store.open.add(lose);
  keepRenewing().catch(() => undefined);

  return {
    ...claim,
    signal: lost.signal,
    remainingMs,
    release: async () => {
      if (!isHeld) return;
      const wasExpired = remainingMs() === 0;
      end();
      // Best effort: nothing renews it any more, so it is free after its TTL in any case (L3).
      if (!wasExpired) await store.release(claim).catch(() => undefined);
    },
  };
}

function nameOf(target: LockTarget): string {
  return target.kind === 'host' ? `host ${target.host} of ${target.service}` : `service ${target.service}`;
}
