import type { Clock } from '@lazarus/core/ports';

interface Sight {
  readonly leaseUntilMs: number;
  readonly sinceMs: number;
}

/**
 * Watches the leases of other owners by the monotonic clock of this process: an owner that lives renews its lease, whatever
 * the wall clock does. A step of the wall clock therefore takes no run from a living process. Keeps S4.
 */
export class OwnerWatch {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  #before = new Map<string, Sight>();
  #seen = new Map<string, Sight>();

  /** @param ttlMs - silence after which an owner has lost its runs, milliseconds. */
  constructor(clock: Clock, ttlMs: number) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  /** Begins a look at all owners; who was not asked for in the last one is forgotten. */
  nextRound(): void {
    this.#before = this.#seen;
    this.#seen = new Map();
  }

  /** Whether the owner has had this very lease for as long as a lease lasts. */
  isSilent(owner: string, leaseUntilMs: number): boolean {
    const last = this.#seen.get(owner) ?? this.#before.get(owner);
    const sight =
      last?.leaseUntilMs === leaseUntilMs ? last : { leaseUntilMs, sinceMs: this.#clock.monotonic() };
    this.#seen.set(owner, sight);
    return this.#clock.monotonic() - sight.sinceMs >= this.#ttlMs;
  }
}
