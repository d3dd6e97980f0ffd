import { PortError } from '@lazarus/core';
import type { Journal, JournalEntry, JournalWrite, WriteOutcome } from './journal.ts';

/** Runs a function once all that is due now has run: the end of a wave. */
export type Scheduler = (flush: () => void) => void;

interface Waiting {
  readonly write: JournalWrite;
  readonly resolve: (outcome: WriteOutcome) => void;
  readonly reject: (error: unknown) => void;
}

interface OpenAppend {
  readonly entries: JournalEntry[];
  readonly durable: Promise<WriteOutcome>;
}

/**
 * Collects the writes of a wave and commits them together: one fsync however many runs and steps took part. A promise
 * resolves only after the commit. Keeps S12.
 */
export class GroupCommit {
  readonly #journal: Journal;
  readonly #schedule: Scheduler;
  readonly #owner: string;
  #queue: Waiting[] = [];
  /** Lines of a run that are not committed yet go into one write. */
  #appends = new Map<string, OpenAppend>();
  #isScheduled = false;
  #isBusy = false;

  constructor(journal: Journal, owner: string, schedule: Scheduler) {
    this.#owner = owner;
    this.#journal = journal;
    this.#schedule = schedule;
  }

  /** Queues one write. @throws PortError `LZ_JOURNAL_UNAVAILABLE`. */
  write(write: JournalWrite): Promise<WriteOutcome> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ write, resolve, reject });
      this.#wake();
    });
  }

  /** Queues one line of a run. @throws PortError `LZ_JOURNAL_UNAVAILABLE`. */
  append(runId: string, epoch: number, index: number, entry: JournalEntry): Promise<WriteOutcome> {
    const open = this.#appends.get(runId);
    if (open !== undefined) {
      open.entries.push(entry);
      return open.durable;
    }
    const entries = [entry];
    const durable = this.write({ kind: 'append', runId, owner: this.#owner, epoch, from: index, entries });
    this.#appends.set(runId, { entries, durable });
    return durable;
  }

  #wake(): void {
    if (this.#isScheduled || this.#isBusy) return;
    this.#isScheduled = true;
    this.#schedule(() => {
      this.#isScheduled = false;
      void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    const batch = this.#queue;
    this.#queue = [];
    this.#appends = new Map();
    this.#isBusy = true;
    try {
      const outcomes = await this.#journal.commit(batch.map(({ write }) => write));
      for (const [index, waiting] of batch.entries()) waiting.resolve(outcomes[index] ?? 'fenced');
    } catch (error) {
      const unavailable =
        error instanceof PortError
          ? error
          : new PortError({
              code: 'LZ_JOURNAL_UNAVAILABLE',
              message: `the workflow journal failed: ${String(error)}`,
              retryable: true,
              cause: error,
            });
      for (const waiting of batch) waiting.reject(unavailable);
      this.#rejectBehind(batch, unavailable);
    } finally {
      this.#isBusy = false;
    }
    if (this.#queue.length > 0) this.#wake();
  }

  /** Lines behind a lost line are lost, too: a journal with a hole in it tells of something that did not happen. */
  #rejectBehind(lost: readonly Waiting[], error: PortError): void {
    const broken = new Set(lost.map(({ write }) => runOf(write)));
    const waiting = this.#queue;
    this.#queue = [];
    for (const each of waiting) {
      const runId = runOf(each.write);
      if (runId === undefined || !broken.has(runId)) this.#queue.push(each);
      else {
        this.#appends.delete(runId);
        each.reject(error);
      }
    }
  }
}

/** The run whose lines a write continues; a signal stands for itself. */
function runOf(write: JournalWrite): string | undefined {
  if (write.kind === 'signal') return undefined;
  return write.kind === 'create' ? write.run.runId : write.runId;
}
