import type { Answer } from './answer.ts';

/** Monotonic pair that orders the holders of one lock; a later holder always compares higher. */
export interface FencingToken {
  /** Grows whenever the lock store may have lost state. */
  readonly epoch: number;
  /** Grows with every grant within an epoch. */
  readonly counter: number;
}

/**
 * What to lock. A host lock is exclusive on the host and shared on its service; a service lock is exclusive on the
 * service. The two therefore exclude each other.
 */
export type LockTarget =
  | { readonly kind: 'host'; readonly service: string; readonly host: string }
  | { readonly kind: 'service'; readonly service: string };

/** Request for a lease. */
export interface LockRequest {
  readonly target: LockTarget;
  /** Who asks: the decision id. The same holder gets the same lock again (re-entrant). */
  readonly holder: string;
  readonly ttlMs: number;
}

/** A lock that is held until it is released, expires, or is lost. */
export interface Lease {
  readonly target: LockTarget;
  readonly holder: string;
  readonly token: FencingToken;
  /** Aborts with a `LeaseLostError` when a renewal is refused or the lease expired. */
  readonly signal: AbortSignal;
  /** Milliseconds until it expires, by the local monotonic clock; 0 when it is lost. */
  remainingMs(): number;
  /** Compare-and-delete; releasing a lost lease does nothing. */
  release(): Promise<void>;
}

/** Outcome of {@link Locks.acquire}: being busy is a value. */
export type LockGrant =
  | { readonly granted: true; readonly lease: Lease }
  | { readonly granted: false; readonly heldBy: string; readonly by: LockTarget };

/**
 * Leases with fencing tokens, renewed at a third of their TTL while held. A lock is an efficiency device: it reduces
 * contention, and what prevents a double action is the decision id. Keeps S4.
 */
export interface Locks {
  /** @throws PortError `LZ_LOCK_UNAVAILABLE` when the store cannot be reached in time. */
  acquire(request: LockRequest, options?: { readonly signal?: AbortSignal }): Promise<LockGrant>;
  /** Who holds a conflicting lock now, if anybody. @throws PortError `LZ_LOCK_UNAVAILABLE`. */
  inspect(target: LockTarget): Answer<{ readonly heldBy: string; readonly by: LockTarget } | undefined>;
}
