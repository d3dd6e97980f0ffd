import { describeError, LeaseLostError } from '@lazarus/core';
import type { Clock, FencingToken, Lease, Locks, LockTarget } from '@lazarus/core/ports';

/** Whether the run holds its lock. */
export type LockVerdict =
  { readonly held: true; readonly fence?: FencingToken } | { readonly held: false; readonly reason: string };

/** Options of a {@link RunLock}. */
export interface RunLockOptions {
  readonly locks: Locks | undefined;
  readonly clock: Clock;
  readonly target: LockTarget;
  /** The run, which is also the decision: the same holder gets the same lock again. */
  readonly holder: string;
  readonly ttlMs: number;
  /** How long to wait for a lock that somebody else holds, milliseconds. */
  readonly waitMs: number;
  /** The lock was held and is lost. */
  onLost(error: LeaseLostError): void;
}

const RETRY_EVERY_MS = 500;

const LET_GO: LockVerdict = { held: false, reason: 'the run was let go' };

/**
 * The lock of one run: taken before its first effect, held to its end, and never taken a second time once it was lost,
 * because somebody else may have acted in between. Keeps S4.
 */
export class RunLock {
  readonly #options: RunLockOptions;
  #acquiring: Promise<LockVerdict> | undefined;
  #lease: Lease | undefined;
  #isReleased = false;

  constructor(options: RunLockOptions) {
    this.#options = options;
  }

  /** Takes the lock, or says why the run must not act. */
  ensure(signal: AbortSignal): Promise<LockVerdict> {
    if (this.#options.locks === undefined) return Promise.resolve({ held: true });
    if (this.#isReleased) return Promise.resolve(LET_GO);
    if (this.#lease !== undefined) return Promise.resolve(this.#verdict(this.#lease));
    this.#acquiring ??= this.#acquire(this.#options.locks, signal).finally(() => {
      this.#acquiring = undefined;
    });
    return this.#acquiring;
  }

  get fence(): FencingToken | undefined {
    return this.#lease?.token;
  }

  /** It was granted, and not released. */
  get isHeld(): boolean {
    return this.#lease !== undefined && !this.#isReleased;
  }

  /** For good: a grant that is still on its way is given back when it arrives. */
  async release(): Promise<void> {
    this.#isReleased = true;
    await this.#lease?.release();
  }

  #verdict(lease: Lease): LockVerdict {
    if (lease.signal.aborted || lease.remainingMs() <= 0) return { held: false, reason: 'the lock was lost' };
    return { held: true, fence: lease.token };
  }

  async #acquire(locks: Locks, signal: AbortSignal): Promise<LockVerdict> {
    const { clock, target, holder, ttlMs, waitMs } = this.#options;
    const untilMs = clock.monotonic() + waitMs;
    for (;;) {
      const reason = await this.#tryOnce(locks, { target, holder, ttlMs }, signal);
      if (this.#isReleased) {
        await this.#lease?.release();
        return LET_GO;
      }
      if (reason === undefined && this.#lease !== undefined) return this.#verdict(this.#lease);
      if (clock.monotonic() >= untilMs) return { held: false, reason: reason ?? 'the lock was not granted' };
      await clock.sleep(RETRY_EVERY_MS, { signal });
    }
  }

  async #tryOnce(
    locks: Locks,
    request: Parameters<Locks['acquire']>[0],
    signal: AbortSignal,
  ): Promise<string | undefined> {
    try {
      const grant = await locks.acquire(request, { signal });
      if (!grant.granted) return `the lock is held by ${grant.heldBy}`;
      this.#adopt(grant.lease);
      return undefined;
    } catch (error) {
      if (signal.aborted) throw error;
      return describeError(error);
    }
  }

  #adopt(lease: Lease): void {
    this.#lease = lease;
    const onLost = (): void => {
      if (this.#isReleased) return;
      this.#options.onLost(
        new LeaseLostError({
          message: `run ${this.#options.holder} lost its lock`,
          cause: lease.signal.reason,
        }),
      );
    };
    if (lease.signal.aborted) onLost();
    else lease.signal.addEventListener('abort', onLost, { once: true });
  }
}
