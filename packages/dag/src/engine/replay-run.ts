import { InvariantError } from '@lazarus/core';
import type { Pending, RunHandle, RunRecord, Selected } from '../coordinator/run-handle.ts';
import type { JournalEntry } from './journal.ts';

/**
 * A handle that only replays: it runs nothing and writes nothing, and stands still at the end of the journal. With it a
 * run of another process, or of a dead one, can be looked at.
 */
export class ReplayRun implements RunHandle {
  readonly run: RunRecord;
  readonly #log: readonly JournalEntry[];
  #cursor = 0;
  #exhaust: () => void = () => undefined;
  /** Resolves when the coordinator stands at the end of the journal. */
  readonly exhausted = new Promise<void>((resolve) => {
    this.#exhaust = resolve;
  });

  constructor(run: RunRecord, log: readonly JournalEntry[]) {
    this.run = run;
    this.#log = log;
  }

  start(step: string, attempt: number): Pending {
    const key = `${step}#${attempt}`;
    const entry = this.#log[this.#cursor];
    if (entry !== undefined) {
      if (entry.kind !== 'intent' || entry.key !== key)
        throw new InvariantError({ message: `the journal does not fit: expected the intent of ${key}` });
      this.#cursor += 1;
    }
    return { key };
  }

  timer(name: string): Pending {
    return { key: `timer:${name}` };
  }

  signal(name: string): Pending {
    return { key: `signal:${name}` };
  }

  drop(): void {}

  select(): Promise<Selected> {
    const entry = this.#log[this.#cursor];
    if (entry === undefined) return this.#standStill();
    this.#cursor += 1;
    if (entry.kind === 'done' || entry.kind === 'timer' || entry.kind === 'signal')
      return Promise.resolve(entry);
    throw new InvariantError({ message: `the journal does not fit: expected a result, found ${entry.kind}` });
  }

  now(): Promise<number> {
    return this.#read();
  }

  random(): Promise<number> {
    return this.#read();
  }

  #read(): Promise<number> {
    const entry = this.#log[this.#cursor];
    if (entry === undefined) return this.#standStill();
    this.#cursor += 1;
    return Promise.resolve('value' in entry ? entry.value : 0);
  }

  #standStill(): Promise<never> {
    this.#exhaust();
    return new Promise(() => undefined);
  }
}
