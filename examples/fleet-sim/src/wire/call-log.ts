/** One call of the API as the log keeps it. */
export interface CallEntry {
  readonly number: number;
  readonly at: string;
  readonly api: string;
  readonly action: string;
  readonly parameters: Record<string, string>;
  status: number;
  error: string | undefined;
  /** Names of the injected effects that the call met. */
  readonly faults: readonly string[];
  reply_dropped: boolean;
}

const KEPT_CALLS = 1_000;

/** Counts every call by action and keeps the last ones, also those that were refused. */
export class CallLog {
  readonly #counts: Record<string, number> = {};
  #entries: CallEntry[] = [];
  #number = 0;

  begin(
    api: string,
    action: string,
    parameters: Record<string, string>,
    faults: readonly string[],
  ): CallEntry {
    this.#number += 1;
    this.#counts[action] = (this.#counts[action] ?? 0) + 1;
    const entry: CallEntry = {
      number: this.#number,
      at: new Date().toISOString(),
      api,
      action,
      parameters,
      status: 0,
      error: undefined,
      faults,
      reply_dropped: false,
    };
    this.#entries.push(entry);
    if (this.#entries.length > KEPT_CALLS) this.#entries = this.#entries.slice(-KEPT_CALLS);
    return entry;
  }

  counts(): Record<string, number> {
    return { ...this.#counts };
  }

  entries(): readonly CallEntry[] {
    return this.#entries;
  }
}
