/**
 * One run on the embedded engine: the handle that the coordinator drives.
 *
 * 1. While there are journal lines left, every call is answered from them, in their order; a line that does not fit is a
 *    broken invariant, because then the code did not repeat itself.
 * 2. Behind the last line the run is live: each call appends one line. Lines of a wave are committed together.
 * 3. A body starts only after the line with its intent is durable, and lines are durable in order: so every result that
 *    the coordinator saw before is durable, too.
 * 4. A body whose intent was found in the journal without a result starts with `mayHaveHappened`. It does not start again
 *    when the run is to stop: whoever undoes it asks whether it happened.
 */
import { InvariantError, LazarusError } from '@lazarus/core';
import type { Clock, FencingToken, Json } from '@lazarus/core/ports';
import { stepError, toStepError } from '../actions/step-error.ts';
import type { StepError } from '../actions/step-error.ts';
import { FencedBodyContext } from '../coordinator/run-handle.ts';
import type {
  Pending,
  RunHandle,
  RunRecord,
  Selected,
  Settled,
  StepBody,
} from '../coordinator/run-handle.ts';
import { CANCEL_SIGNAL } from '../coordinator/limits.ts';
import type { AlarmClock } from './alarm-clock.ts';
import { RunClock } from './run-clock.ts';
import type { JournalEntry, StoredRun, StoredSignal, WriteOutcome } from './journal.ts';

/** What a run needs from its engine. */
export interface EmbeddedRunPorts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly alarms: AlarmClock;
  /** Appends one line; resolves when it is durable. */
  append(index: number, entry: JournalEntry): Promise<WriteOutcome>;
  /** Proves that this process still owns the run, right before an effect. @throws LazarusError `LZ_JOURNAL_FENCED`. */
  assertOwned(): Promise<void> | undefined;
  fence(): FencingToken | undefined;
  /** Whether the run came about in time for its submitter; no body starts otherwise. */
  isAccepted(): boolean;
  /** For crash tests: called at each boundary of an attempt. */
  readonly onBoundary?: (boundary: 'intent' | 'body' | 'result', key: string) => void | Promise<void>;
}

interface Item extends Pending {
  readonly body?: StepBody;
  readonly abort?: AbortController;
  isLaunched: boolean;
  isDropped: boolean;
  settled?: Settled;
  cancelAlarm?: () => void;
  readonly atMs?: number;
  readonly signalName?: string;
}

/** The embedded engine's {@link RunHandle}. */
export class EmbeddedRun implements RunHandle {
  readonly run: RunRecord;
  readonly epoch: number;
  readonly #ports: EmbeddedRunPorts;
  readonly #clock: RunClock;
  readonly #log: readonly JournalEntry[];
  #cursor = 0;
  #length: number;
  readonly #items = new Map<string, Item>();
  /** In the order in which they settled. */
  readonly #ready: Item[] = [];
  readonly #signals: StoredSignal[];
  #wave: { readonly durable: Promise<WriteOutcome>; readonly settled: Promise<WriteOutcome> } | undefined;
  #wake: (() => void) | undefined;
  readonly #halt = new AbortController();
  /** Bodies under way, also those that nobody waits for any more. */
  readonly #bodies = new Set<Promise<unknown>>();
  #failure: unknown;

  constructor(
    stored: StoredRun,
    log: readonly JournalEntry[],
    signals: readonly StoredSignal[],
    ports: EmbeddedRunPorts,
  ) {
    this.run = stored;
    this.epoch = stored.epoch;
    this.#log = log;
    this.#length = log.length;
    this.#signals = [...signals];
    this.#ports = ports;
    this.#clock = new RunClock(ports.clock, lastSeenMs(stored, log));
  }

  /** True while answers come from the journal. */
  get isReplaying(): boolean {
    return this.#cursor < this.#log.length;
  }

  /** Aborts every body: the run lost its lease or its lock, or the engine closes. The coordinator goes on. */
  abortBodies(reason: Error): void {
    for (const item of this.#items.values()) item.abort?.abort(reason);
  }

  /** Ends the run in this process: bodies abort, and the coordinator's next wait rejects. */
  halt(reason: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#halt.abort(reason);
    this.abortBodies(reason);
    for (const item of this.#items.values()) item.cancelAlarm?.();
    this.#wake?.();
  }

  /** Hands a signal over; it is journaled when the coordinator takes it. */
  deliver(signal: StoredSignal): void {
    this.#signals.push(signal);
    for (const item of this.#items.values()) this.#matchSignal(item);
  }

  /** Resolves when no body runs any more: one that does not obey its signal may have an effect until then. Keeps S4. */
  async bodiesEnded(): Promise<void> {
    while (this.#bodies.size > 0) await Promise.allSettled(this.#bodies);
  }

  get hasBodies(): boolean {
    return this.#bodies.size > 0;
  }

  get signalCount(): number {
    return this.#signals.length;
  }

  start(step: string, attempt: number, body: StepBody): Pending {
    const key = `${step}#${attempt}`;
    const item: Item = { key, body, abort: new AbortController(), isLaunched: false, isDropped: false };
    this.#items.set(key, item);
    if (this.isReplaying) {
      const entry = this.#next('intent', key);
      if (entry.kind !== 'intent' || entry.key !== key) throw this.#mismatch(`the intent of ${key}`, entry);
      return item;
    }
    item.isLaunched = true;
    const durable = this.#record({ kind: 'intent', key });
    void this.#launch(item, durable, false);
    return item;
  }

  timer(name: string, atMs: number): Pending {
    return this.#wait({ key: `timer:${name}`, isLaunched: false, isDropped: false, atMs });
  }

  signal(name: string): Pending {
    return this.#wait({ key: `signal:${name}`, isLaunched: false, isDropped: false, signalName: name });
  }

  #wait(item: Item): Pending {
    this.#items.set(item.key, item);
    return item;
  }

  drop(pending: Pending, reason: string): void {
    const item = this.#items.get(pending.key);
    if (item === undefined) return;
    item.isDropped = true;
    item.cancelAlarm?.();
    item.abort?.abort(new DOMException(reason, 'TimeoutError'));
    this.#forget(item);
  }

  #forget(item: Item): void {
    this.#items.delete(item.key);
    const index = this.#ready.indexOf(item);
    if (index >= 0) this.#ready.splice(index, 1);
  }

  async select(pendings: readonly Pending[]): Promise<Selected> {
    this.#throwIfHalted();
    if (this.isReplaying) return this.#replaySelect(pendings);
    this.#arm();
    for (;;) {
      const item = this.#ready.find((ready) => pendings.includes(ready));
      if (item?.settled !== undefined) return this.#take(item, item.settled);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#throwIfHalted();
    }
  }

  async now(): Promise<number> {
    return this.#read('now', () => this.#clock.now());
  }

  async random(): Promise<number> {
    return this.#read('random', this.#ports.random);
  }

  #read(kind: 'now' | 'random', read: () => number): number {
    this.#throwIfHalted();
    if (this.isReplaying) {
      const entry = this.#next(kind, kind);
      if (entry.kind !== kind) throw this.#mismatch(kind, entry);
      return entry.value;
    }
    const value = read();
    void this.#record({ kind, value });
    return value;
  }

  #take(item: Item, result: Settled): Selected {
    this.#forget(item);
    const kind = item.body !== undefined ? 'done' : item.atMs !== undefined ? 'timer' : 'signal';
    if (kind === 'signal') this.#consume(item.signalName ?? '');
    const atMs = Math.max(this.#clock.now(), item.atMs ?? 0);
    void this.#record({ kind, key: item.key, atMs, result });
    return { key: item.key, result, atMs };
  }

  #replaySelect(pendings: readonly Pending[]): Selected {
    const entry = this.#next('select', pendings.map(({ key }) => key).join(', '));
    if (!('result' in entry) || !pendings.some(({ key }) => key === entry.key)) {
      throw this.#mismatch(`one of ${pendings.map(({ key }) => key).join(', ')}`, entry);
    }
    const item = this.#items.get(entry.key);
    if (item?.signalName !== undefined) this.#consume(item.signalName);
    this.#items.delete(entry.key);
    return { key: entry.key, result: entry.result, atMs: entry.atMs };
  }

  /** A signal is used once. */
  #consume(name: string): void {
    const index = this.#signals.findIndex((signal) => signal.name === name);
    if (index >= 0) this.#signals.splice(index, 1);
  }

  /** Starts what the journal left open and arms the timers: from here on the run is live. */
  #arm(): void {
    for (const item of this.#items.values()) this.#matchSignal(item);
    const isStopping = this.#ready.some(({ signalName }) => signalName === CANCEL_SIGNAL);
    for (const item of this.#items.values()) {
      if (item.isDropped || item.settled !== undefined) continue;
      if (item.body !== undefined && !item.isLaunched) {
        item.isLaunched = true;
        if (isStopping) this.#settle(item, { ok: false, error: notTakenUp() });
        else void this.#launch(item, Promise.resolve('done'), true);
      }
      if (item.atMs !== undefined && item.cancelAlarm === undefined) {
        item.cancelAlarm = this.#ports.alarms.set(this.#clock.monotonicOf(item.atMs), () =>
          this.#settle(item, { ok: true, value: null }),
        );
      }
    }
  }

  #matchSignal(item: Item): void {
    if (item.signalName === undefined || item.isDropped || item.settled !== undefined) return;
    const found = this.#signals.find((signal) => signal.name === item.signalName);
    if (found !== undefined) this.#settle(item, { ok: true, value: found.payload });
  }

  #settle(item: Item, settled: Settled): void {
    if (item.isDropped || item.settled !== undefined) return;
    item.settled = settled;
    this.#ready.push(item);
    this.#wake?.();
  }

  async #launch(item: Item, durable: Promise<WriteOutcome>, mayHaveHappened: boolean): Promise<void> {
    const signal = item.abort?.signal;
    if (item.body === undefined || signal === undefined) return;
    let settled: Settled;
    try {
      const outcome = await durable;
      if (outcome !== 'done' || item.isDropped || this.#halt.signal.aborted) return;
      if (!this.#ports.isAccepted()) return;
      const { onBoundary } = this.#ports;
      if (onBoundary !== undefined) await onBoundary('intent', item.key);
      const proof = this.#ports.assertOwned();
      if (proof !== undefined) await proof;
      signal.throwIfAborted();
      const value = await this.#run(
        item.body(new FencedBodyContext(mayHaveHappened, signal, () => this.#ports.fence())),
      );
      if (onBoundary !== undefined) await onBoundary('body', item.key);
      settled = { ok: true, value };
    } catch (error) {
      settled = { ok: false, error: this.#errorOf(error, signal) };
    }
    if (!this.#halt.signal.aborted) this.#settle(item, settled);
  }

  async #run(body: Promise<Json>): Promise<Json> {
    this.#bodies.add(body);
    try {
      return await body;
    } finally {
      this.#bodies.delete(body);
    }
  }

  #errorOf(error: unknown, signal: AbortSignal): StepError {
    const reason: unknown = signal.aborted ? signal.reason : error;
    const converted = toStepError(reason);
    return converted.code === 'LZ_LOCK_LOST'
      ? stepError(converted.code, converted.message, 'stopped')
      : converted;
  }

  /** Lines of one wave become durable together, so they share one promise. */
  #record(entry: JournalEntry): Promise<WriteOutcome> {
    // A run that halted may have lost a line; nothing may be written behind it.
    if (this.#failure !== undefined) return Promise.resolve('fenced');
    const index = this.#length;
    this.#length += 1;
    const durable = this.#ports.append(index, entry);
    if (durable !== this.#wave?.durable) this.#wave = { durable, settled: this.#whenDurable(durable) };
    return this.#wave.settled;
  }

  #whenDurable(durable: Promise<WriteOutcome>): Promise<WriteOutcome> {
    return durable.then(
      (outcome) => {
        if (outcome !== 'done') this.halt(fenced(this.run.request.runId));
        return outcome;
      },
      (error: unknown) => {
        this.halt(error instanceof Error ? error : new Error(String(error)));
        return 'fenced' as const;
      },
    );
  }

  #next(what: string, key: string): JournalEntry {
    const entry = this.#log[this.#cursor];
    if (entry === undefined)
      throw new InvariantError({
        message: `the journal of run ${this.run.request.runId} ended at ${what} ${key}`,
      });
    this.#cursor += 1;
    return entry;
  }

  #mismatch(wanted: string, found: JournalEntry): InvariantError {
    const runId = this.run.request.runId;
    return new InvariantError({
      message: `run ${runId}, journal line ${this.#cursor - 1}: found ${JSON.stringify(found).slice(0, 200)}, expected ${wanted}`,
    });
  }

  #throwIfHalted(): void {
    if (this.#failure !== undefined) throw this.#failure as Error;
  }
}

const notTakenUp = (): StepError =>
  stepError('LZ_WORKFLOW_CANCELED', 'the run was to stop when another process took it up', 'stopped');

/** The latest time that a run has seen, in this process or in an earlier one. */
function lastSeenMs(stored: StoredRun, log: readonly JournalEntry[]): number {
  return log.reduce(
    (latest, entry) => ('atMs' in entry ? Math.max(latest, entry.atMs) : latest),
    stored.startedAtMs,
  );
}

/** Another process owns the run. */
export function fenced(runId: string): LazarusError {
  return new LazarusError({
    code: 'LZ_JOURNAL_FENCED',
    message: `run ${runId} was taken over by another process`,
  });
}
