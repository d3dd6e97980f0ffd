import { describeError, LeaseLostError } from '@lazarus/core';
import type { Alarm, Alarms } from '@lazarus/core/time';
import type { Clock, FencingToken, Lease, LockTarget, Logger } from '@lazarus/core/ports';

/** Names one grant. */
export interface LockClaim {
  readonly target: LockTarget;
  readonly holder: string;
  readonly token: FencingToken;
}

/** What a lease needs of its store. */
export interface LeaseStore {
  readonly clock: Clock;
  readonly log: Logger | undefined;
  readonly alarms: Alarms;
  /** Resolves false when the lock is no longer this claim's; rejects when the store did not answer. */
  renew(claim: LockClaim, ttlMs: number, deadlineMs: number): Promise<boolean>;
  release(claim: LockClaim): Promise<unknown>;
  /** Leases that are still held. */
  readonly open: Set<RenewedLease>;
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
export class RenewedLease implements Lease {
  readonly target: LockTarget;
  readonly holder: string;
  readonly token: FencingToken;
  readonly #store: LeaseStore;
  readonly #ttlMs: number;
  #expiresAtMs: number;
  #isHeld = true;
  #alarm: Alarm;
  /** Made when somebody asks for the signal: most leases end before anybody does. */
  #lost: AbortController | undefined;
  #lostBecause: LeaseLostError | undefined;

  constructor(store: LeaseStore, claim: LockClaim, ttlMs: number, untilMs: number) {
    this.target = claim.target;
    this.holder = claim.holder;
    this.token = claim.token;
    this.#store = store;
    this.#ttlMs = ttlMs;
    this.#expiresAtMs = untilMs;
    store.open.add(this);
    this.#alarm = store.alarms.set(untilMs - ttlMs * (1 - RENEW_AFTER), this.#onDue);
  }

  get signal(): AbortSignal {
    if (this.#lost === undefined) {
      this.#lost = new AbortController();
      if (this.#lostBecause !== undefined) this.#lost.abort(this.#lostBecause);
    }
    return this.#lost.signal;
  }

  remainingMs(): number {
    return this.#isHeld ? Math.max(0, this.#expiresAtMs - this.#store.clock.monotonic()) : 0;
  }

  async release(): Promise<void> {
    if (!this.#isHeld) return;
    const wasExpired = this.remainingMs() === 0;
    this.#end();
    if (wasExpired) return;
    try {
      await this.#store.release(this);
    } catch {
      // Best effort: nothing renews it any more, so it is free after its TTL in any case (L3).
    }
  }

  /** Ends it for a reason that its run has to know. */
  lose(reason: string): void {
    if (!this.#isHeld) return;
    this.#end();
    const { target, holder, token } = this;
    const message = `the lock on ${nameOf(target)} is lost: ${reason}`;
    this.#lostBecause = new LeaseLostError({ message, details: { target, holder, token } });
    this.#lost?.abort(this.#lostBecause);
  }

  #end(): void {
    this.#isHeld = false;
    this.#store.open.delete(this);
    this.#alarm.cancel();
  }

  readonly #onDue = (): void => {
    if (!this.#isHeld) return;
    if (this.remainingMs() === 0) this.lose('it expired before it could be renewed');
    else void this.#renew();
  };

  async #renew(): Promise<void> {
    const { clock, log } = this.#store;
    const sentAtMs = clock.monotonic();
    let waitMs = this.#ttlMs * RETRY_AFTER;
    try {
      const isRenewed = await this.#store.renew(this, this.#ttlMs, Math.max(1, this.remainingMs()));
      if (!isRenewed) {
        this.lose('the renewal was refused');
        return;
      }
      this.#expiresAtMs = Math.max(this.#expiresAtMs, sentAtMs + this.#ttlMs);
      waitMs = this.#ttlMs * RENEW_AFTER;
    } catch (error) {
      // Tried again soon, and lost when the time is over.
      log?.warn('a lock could not be renewed', {
        lock: nameOf(this.target),
        holder: this.holder,
        left_ms: Math.round(this.remainingMs()),
        error: describeError(error),
      });
    }
    if (!this.#isHeld) return;
    const wakeAtMs = clock.monotonic() + Math.min(waitMs, this.remainingMs());
    this.#alarm = this.#store.alarms.set(wakeAtMs, this.#onDue);
  }
}

function nameOf(target: LockTarget): string {
  return target.kind === 'host' ? `host ${target.host} of ${target.service}` : `service ${target.service}`;
}
