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

  constructor(log: Logger, meter: Meter | undefined) {
    this.#log = log;
    this.#meter = meter;
  }

  /** Why it does not work; `undefined` while it does. */
  get failure(): string | undefined {
    return this.#failure;
  }

  fail(reason: string): void {
    const isNew = this.#failure === undefined;
    this.#failure = reason;
    if (!isNew) return;
    this.#log.error('the workflow journal failed: no run is started until it works', { error: reason });
    this.#meter?.count('lazarus_journal_errors_total');
    this.#meter?.gauge('lazarus_journal_works', {}, 0);
  }

  recover(): void {
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
