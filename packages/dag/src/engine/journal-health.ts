import { PortError } from '@lazarus/core';
import type { Logger, Meter } from '@lazarus/core/ports';

/**
 * Whether the journal works. While it does not, no run starts; the first failure and the recovery are logged, each once,
 * and a gauge shows the state in between.
 */
export class JournalHealth {
  readonly #log: Logger;
  readonly #meter: Meter | undefined;
  #failure: string | undefined;
  #failures = 0;

  constructor(log: Logger, meter: Meter | undefined) {
    this.#log = log;
    this.#meter = meter;
  }

  /** Why it does not work; `undefined` while it does. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Failures so far. */
  get failures(): number {
    return this.#failures;
  }

  fail(reason: string): void {
    this.#failures += 1;
    const isNew = this.#failure === undefined;
    this.#failure = reason;
    if (!isNew) return;
    this.#log.error('the workflow journal failed: no run is started until it works', { error: reason });
    this.#meter?.count('lazarus_journal_errors_total');
    this.#meter?.gauge('lazarus_journal_works', {}, 0);
  }

  /** @param since - failures when it was asked whether the journal works: a later one is not answered by that. */
  recover(since: number): void {
    if (since !== this.#failures) return;
    if (this.#failure !== undefined) this.#log.info('the workflow journal works again');
    this.#failure = undefined;
    this.#meter?.gauge('lazarus_journal_works', {}, 1);
  }

  /** @throws PortError `LZ_JOURNAL_UNAVAILABLE`. */
  assertWorks(): void {
    if (this.#failure === undefined) return;
    throw new PortError({
      code: 'LZ_JOURNAL_UNAVAILABLE',
      message: `no run is started: ${this.#failure}`,
      retryable: true,
    });
  }
}
