/**
 * Who holds which lock: host locks (exclusive on the host, shared on its service) and service locks (exclusive on the
 * service), so that the two exclude each other. Pure: every step returns a new table.
 *
 * Invariants:
 * S4: at any instant each host, and each service as a whole, has at most one holder; a later holder has a higher token.
 * L3: a lock whose holder does not renew it is free after its TTL.
 *
 * A holder may take its own lock again, also from another process that carries on with the same decision: it gets the same
 * token, and the lock is free when every one of these leases was released, or none was renewed.
 */
import type { FencingToken, LockTarget } from '../ports/locks.ts';

/** One lock that is held. */
export interface HeldLock {
  readonly target: LockTarget;
  readonly holder: string;
  readonly token: FencingToken;
  readonly expiresAtMs: number;
  /** Leases on it that were not released yet. */
  readonly leases: number;
}

/** State of the table; plain data. */
export interface LockTable {
  /** Grows whenever state may have been lost. */
  readonly epoch: number;
  /** Of the last grant. */
  readonly counter: number;
  readonly held: readonly HeldLock[];
}

/** Answer to {@link acquireLock}. */
export type AcquireVerdict =
  | { readonly granted: true; readonly token: FencingToken; readonly expiresAtMs: number }
  | { readonly granted: false; readonly heldBy: string; readonly by: LockTarget };

interface LockStep<V> {
  readonly state: LockTable;
  readonly verdict: V;
}

/** An empty table; `epoch` must be higher than that of any table that it replaces. */
export function createLockTable(epoch: number): LockTable {
  return { epoch, counter: 0, held: [] };
}

/** Takes a lock, or says who is in the way. */
export function acquireLock(
  state: LockTable,
  request: { readonly target: LockTarget; readonly holder: string; readonly ttlMs: number },
  nowMs: number,
): LockStep<AcquireVerdict> {
  const { target, holder, ttlMs } = request;
  const table = withoutExpired(state, nowMs);
  const obstacle = table.held.find((lock) => lock.holder !== holder && conflicts(lock.target, target));
  if (obstacle !== undefined) {
    return { state: table, verdict: { granted: false, heldBy: obstacle.holder, by: obstacle.target } };
  }
  const expiresAtMs = nowMs + ttlMs;
  const own = table.held.find((lock) => isSame(lock.target, target));
  if (own !== undefined) {
    const longer = { ...own, leases: own.leases + 1, expiresAtMs: Math.max(own.expiresAtMs, expiresAtMs) };
    return {
      state: { ...table, held: table.held.map((lock) => (lock === own ? longer : lock)) },
      verdict: { granted: true, token: own.token, expiresAtMs: longer.expiresAtMs },
    };
  }
  const counter = table.counter + 1;
  const token = { epoch: table.epoch, counter };
  return {
    state: { ...table, counter, held: [...table.held, { target, holder, token, expiresAtMs, leases: 1 }] },
    verdict: { granted: true, token, expiresAtMs },
  };
}

/** Names one grant: what a lease carries. */
export interface LockClaim {
  readonly target: LockTarget;
  readonly holder: string;
  readonly token: FencingToken;
}

/** Extends a lock that is still held under this token; an expired lock is lost even when nobody else took it. */
export function renewLock(
  state: LockTable,
  claim: LockClaim & { readonly ttlMs: number },
  nowMs: number,
): LockStep<{ readonly renewed: true; readonly expiresAtMs: number } | { readonly renewed: false }> {
  const table = withoutExpired(state, nowMs);
  const own = table.held.find((lock) => isClaim(lock, claim));
  if (own === undefined) return { state: table, verdict: { renewed: false } };
  const expiresAtMs = Math.max(own.expiresAtMs, nowMs + claim.ttlMs);
  return {
    state: { ...table, held: table.held.map((lock) => (lock === own ? { ...own, expiresAtMs } : lock)) },
    verdict: { renewed: true, expiresAtMs },
  };
}

/** Gives one lease back; compares target, holder and token, so that a late release never frees another holder's lock. */
export function releaseLock(
  state: LockTable,
  claim: LockClaim,
  nowMs: number,
): LockStep<{ readonly released: boolean }> {
  const table = withoutExpired(state, nowMs);
  const own = table.held.find((lock) => isClaim(lock, claim));
  if (own === undefined) return { state: table, verdict: { released: false } };
  const rest =
    own.leases > 1
      ? table.held.map((lock) => (lock === own ? { ...own, leases: own.leases - 1 } : lock))
      : table.held.filter((lock) => lock !== own);
  return { state: { ...table, held: rest }, verdict: { released: true } };
}

/** Takes a lock away from whoever holds it, as an operator does, or as a store does that loses state. */
export function breakLock(state: LockTable, target: LockTarget): LockStep<{ readonly broken: boolean }> {
  const held = state.held.filter((lock) => !isSame(lock.target, target));
  return { state: { ...state, held }, verdict: { broken: held.length < state.held.length } };
}

/** The lock that is in the way of `target` now, if there is one. */
export function inspectLock(state: LockTable, target: LockTarget, nowMs: number): HeldLock | undefined {
  const inTheWay = state.held.filter((lock) => lock.expiresAtMs > nowMs && conflicts(lock.target, target));
  return inTheWay.find((lock) => isSame(lock.target, target)) ?? inTheWay[0];
}

function withoutExpired(state: LockTable, nowMs: number): LockTable {
  return state.held.some((lock) => lock.expiresAtMs <= nowMs)
    ? { ...state, held: state.held.filter((lock) => lock.expiresAtMs > nowMs) }
    : state;
}

/** A service lock excludes everything of its service; a host lock excludes the same host. */
function conflicts(left: LockTarget, right: LockTarget): boolean {
  if (left.service !== right.service) return false;
  return left.kind === 'service' || right.kind === 'service' || left.host === right.host;
}

function isSame(left: LockTarget, right: LockTarget): boolean {
  if (left.service !== right.service || left.kind !== right.kind) return false;
  return left.kind === 'service' || (right.kind === 'host' && left.host === right.host);
}

function isClaim(lock: HeldLock, claim: LockClaim): boolean {
  return (
    isSame(lock.target, claim.target) &&
    lock.holder === claim.holder &&
    lock.token.epoch === claim.token.epoch &&
    lock.token.counter === claim.token.counter
  );
}
