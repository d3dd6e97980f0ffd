import type { Clock } from '@lazarus/core/ports';
import { fenced } from './embedded-run.ts';
import type { Journal, StoredRun } from './journal.ts';

/** Options of an {@link OwnerLease}. */
export interface OwnerLeaseOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly owner: string;
  readonly process: string;
  readonly ttlMs: number;
  /** Called with the runs that are still ours after each renewal, so that the others are let go. */
  onRenewed(owned: ReadonlyMap<string, number>): void;
}

/**
 * The lease under which this process owns its runs. Others judge it by the wall clock of the machine that they share; this
 * process judges it by its own monotonic clock, which also counts the time in which it was frozen. Keeps S4.
 */
export class OwnerLease {
  readonly #options: OwnerLeaseOptions;
  #untilMs = 0;
  #renewing: Promise<ReadonlyMap<string, number>> | undefined;

  constructor(options: OwnerLeaseOptions) {
    this.#options = options;
  }

  /** A third of its time is over. */
  get isDue(): boolean {
    return this.#untilMs - this.#options.clock.monotonic() <= (this.#options.ttlMs * 2) / 3;
  }

  /** Prolongs the lease and reads which runs are ours; callers at the same time share one renewal. */
  renew(): Promise<ReadonlyMap<string, number>> {
    this.#renewing ??= this.#renewOnce().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  /**
   * Right before an effect; nothing to wait for while the lease holds.
   *
   * @throws LazarusError `LZ_JOURNAL_FENCED` when the run was taken over.
   */
  assertOwned(run: StoredRun): Promise<void> | undefined {
    return this.#options.clock.monotonic() < this.#untilMs ? undefined : this.#prove(run);
  }

  async #prove(run: StoredRun): Promise<void> {
    const owned = await this.renew();
    if (owned.get(run.runId) !== run.epoch) throw fenced(run.runId);
  }

  /** Gives the runs up at once; the next process need not wait. */
  async end(): Promise<void> {
    const { journal, owner, process } = this.#options;
    await journal.renew({ id: owner, process, leaseUntilMs: 0 });
  }

  async #renewOnce(): Promise<ReadonlyMap<string, number>> {
    const { journal, clock, owner, process, ttlMs, onRenewed } = this.#options;
    const sinceMs = clock.monotonic();
    await journal.renew({ id: owner, process, leaseUntilMs: clock.now() + ttlMs });
    const owned = await journal.owned(owner);
    onRenewed(owned);
    this.#untilMs = sinceMs + ttlMs;
    return owned;
  }
}
