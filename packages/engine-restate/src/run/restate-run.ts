/**
 * One run on Restate: the handle that the coordinator drives.
 *
 * 1. One select loop waits for everything; no branch waits on its own. The winner comes from the journal.
 * 2. A body starts only after everything that led to it is durable. The steps that a run starts follow from its journal
 *    alone, so the intent to run a body is durable before the body runs. S12.
 * 3. A body starts with `mayHaveHappened` unless this execution itself saw happen what led to it: then no other
 *    execution can have come this far.
 * 4. A closure that reports that its body still runs is followed by another one, after the timer that was due: so the time
 *    limit of a call costs no timer of the server. See {@link RunBodies}.
 * 5. The time of the run goes on with the monotonic clock of this process from the latest time in the journal, and a
 *    closure waits for as long as was left when it was launched: setting the wall clock prolongs nothing. S10.
 * 6. No loop turns twice without a turn of the process, or something durable, in between.
 */
import { CANCEL_SIGNAL, MAX_ATTEMPT_MS } from '@lazarus/dag';
import type { Pending, RunHandle, Selected, StepBody, Settled } from '@lazarus/dag';
import type { Json } from '@lazarus/core/ports';
import type { Durable, DurableContext, First } from '../durable/durable-context.ts';
import type { PinnedRun } from './pinned-run.ts';
import { RunBodies } from './run-bodies.ts';
import type { BodyItem, BodyRecord, RunBodiesPorts } from './run-bodies.ts';
import { RunTime } from './run-time.ts';

interface TimerItem extends Pending {
  readonly kind: 'timer';
  /** Wall time, milliseconds. */
  readonly atMs: number;
  /** Place in the order in which the timers were set. */
  readonly setAs: number;
}

type Item =
  | BodyItem
  | TimerItem
  | (Pending & { readonly kind: 'cancel' })
  | (Pending & { readonly kind: 'signal'; readonly name: string; readonly durable: Durable });

/** What a run needs from its engine. */
export interface RestateRunPorts extends RunBodiesPorts {
  readonly random: () => number;
}

/** The {@link RunHandle} on Restate. */
export class RestateRun implements RunHandle {
  readonly run: PinnedRun;
  readonly #context: DurableContext;
  readonly #ports: RestateRunPorts;
  readonly #items = new Map<string, Item>();
  readonly #received = new Map<string, number>();
  readonly #time: RunTime;
  readonly #bodies: RunBodies;
  #nowMs: number;
  /** The last thing that happened was seen by this execution first. */
  #isLive = false;
  #isCanceled = false;
  #timersSet = 0;
  #sleep: { readonly durable: Durable; readonly atMs: number } | undefined;

  constructor(run: PinnedRun, context: DurableContext, ports: RestateRunPorts) {
    this.run = run;
    this.#context = context;
    this.#ports = ports;
    this.#nowMs = run.startedAtMs;
    this.#time = new RunTime(ports.clock, run.startedAtMs);
    this.#bodies = new RunBodies(run.request.runId, ports, this.#time, context.ended);
    context.ended.addEventListener('abort', () => this.#onEnded(), { once: true });
  }

  /** Bodies that are in flight when an execution is over run for nobody. */
  #onEnded(): void {
    if (![...this.#items.values()].some(({ kind }) => kind === 'body')) return;
    this.abortBodies(new DOMException('the engine took the run away from this process', 'AbortError'));
  }

  /** False while answers come from the journal. */
  get isLive(): boolean {
    return this.#isLive;
  }

  /** Tells apart the first execution of the run from later ones where that matters. Called once, before anything else. */
  async begin(): Promise<void> {
    if (this.run.begins) await this.now();
    else this.#isLive = true;
  }

  /** Aborts every body; the coordinator goes on. */
  abortBodies(reason: Error): void {
    for (const item of this.#items.values()) if (item.kind === 'body') item.abort.abort(reason);
  }

  start(step: string, attempt: number, body: StepBody): Pending {
    return this.#add({
      kind: 'body',
      key: `${step}#${attempt}`,
      body,
      abort: new AbortController(),
      isFresh: this.#isLive,
      closures: 0,
      untilMs: 0,
      ranHere: false,
    });
  }

  timer(name: string, atMs: number): Pending {
    this.#timersSet += 1;
    return this.#add({ kind: 'timer', key: `timer:${name}`, atMs, setAs: this.#timersSet });
  }

  signal(name: string): Pending {
    const key = `signal:${name}`;
    if (name === CANCEL_SIGNAL) return this.#add({ kind: 'cancel', key });
    const durable = this.#context.promise(signalKey(name, this.#received.get(name) ?? 0));
    return this.#add({ kind: 'signal', key, name, durable });
  }

  drop(pending: Pending, reason: string): void {
    const item = this.#items.get(pending.key);
    if (item?.kind === 'body') item.abort.abort(new DOMException(reason, 'TimeoutError'));
    this.#items.delete(pending.key);
  }

  async select(pendings: readonly Pending[]): Promise<Selected> {
    for (;;) {
      const items = pendings.flatMap(({ key }) => this.#items.get(key) ?? []);
      const due = this.#due(items) ?? (await this.#cancellation(items));
      if (due !== undefined) return due;
      const waits = this.#arm(items);
      const first = await this.#wait([...waits.keys()]);
      if (first === 'canceled') continue;
      const selected = await this.#onFirst(waits.get(first.durable), first.value);
      if (selected !== undefined) return selected;
    }
  }

  async now(): Promise<number> {
    this.#seen(await this.#observe('$now', () => this.#time.now()));
    return this.#nowMs;
  }

  async random(): Promise<number> {
    return this.#observe('$random', this.#ports.random);
  }

  #seen(atMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, atMs);
    this.#time.seen(this.#nowMs);
  }

  #add(item: Item): Pending {
    this.#items.set(item.key, item);
    return item;
  }

  /** The timer that has been due for longest; ties in the order in which they were set. */
  #due(items: readonly Item[]): Selected | undefined {
    const due = earliest(items);
    if (due === undefined || due.atMs > this.#nowMs) return undefined;
    return this.#take(due, { ok: true, value: null });
  }

  /** The run is canceled at the server, so that waiting for it costs nothing; the reason is looked up then. */
  async #cancellation(items: readonly Item[]): Promise<Selected | undefined> {
    if (!this.#isCanceled) return undefined;
    this.#isCanceled = false;
    const cancel = items.find(({ kind }) => kind === 'cancel');
    if (cancel === undefined) return undefined;
    const reason = await this.#only(this.#context.peek(signalKey(CANCEL_SIGNAL, 0)));
    await this.now();
    return this.#take(cancel, { ok: true, value: reason ?? 'it was canceled in Restate' });
  }

  /** Everything that has to be waited for, with what it belongs to; `undefined` for the timer. */
  #arm(items: readonly Item[]): Map<Durable, Item | undefined> {
    const nextMs = earliest(items)?.atMs ?? Infinity;
    const waits = new Map<Durable, Item | undefined>();
    let coveredMs = Infinity;
    for (const item of items) {
      if (item.kind === 'timer' || item.kind === 'cancel') continue;
      const durable = item.kind === 'signal' ? item.durable : this.#launch(item, nextMs);
      if (item.kind === 'body') coveredMs = Math.min(coveredMs, item.untilMs);
      waits.set(durable, item);
    }
    if (nextMs < coveredMs && nextMs < Infinity) waits.set(this.#sleepUntil(nextMs), undefined);
    return waits;
  }

  #launch(item: BodyItem, nextMs: number): Durable {
    if (item.durable !== undefined) return item.durable;
    item.closures += 1;
    item.untilMs = Math.min(nextMs, this.#nowMs + MAX_ATTEMPT_MS);
    item.ranHere = false;
    const name = item.closures === 1 ? item.key : `${item.key}~${item.closures}`;
    return (item.durable = this.#context.run(name, () => this.#bodies.wait(item) as Promise<Json>));
  }

  #sleepUntil(atMs: number): Durable {
    if (this.#sleep === undefined || this.#sleep.atMs > atMs)
      this.#sleep = { atMs, durable: this.#context.sleep('$timer', Math.max(0, atMs - this.#nowMs)) };
    return this.#sleep.durable;
  }

  async #onFirst(item: Item | undefined, value: Json): Promise<Selected | undefined> {
    if (item?.kind === 'body') return this.#onRecord(item, value as unknown as BodyRecord);
    const dueMs = this.#sleep?.atMs ?? 0;
    if (item === undefined) this.#sleep = undefined;
    await this.now();
    if (item === undefined) this.#seen(dueMs);
    return item === undefined ? undefined : this.#take(item, { ok: true, value });
  }

  async #onRecord(item: BodyItem, record: BodyRecord): Promise<Selected | undefined> {
    this.#isLive = item.ranHere;
    this.#seen(record.atMs);
    delete item.durable;
    if ('late' in record) {
      this.#seen(item.untilMs);
      return undefined;
    }
    if (this.#isLive) await this.#ports.onBoundary?.('result', item.key);
    return this.#take(item, record.settled);
  }

  #take(item: Item, result: Settled): Selected {
    if (item.kind === 'signal') this.#received.set(item.name, (this.#received.get(item.name) ?? 0) + 1);
    this.#items.delete(item.key);
    return { key: item.key, result, atMs: this.#nowMs };
  }

  /** Journals one number. */
  async #observe(name: string, read: () => number): Promise<number> {
    let isHere = false;
    const durable = this.#context.run(name, async () => {
      isHere = true;
      return read();
    });
    const value = await this.#only(durable);
    this.#isLive = isHere;
    return value as number;
  }

  /** Waits for one thing, whatever else happens. */
  async #only(durable: Durable): Promise<Json> {
    for (;;) {
      const first = await this.#wait([durable]);
      if (first !== 'canceled') return first.value;
    }
  }

  /** Nothing happened when the run is canceled: the process has a turn of its own before the same is waited for again. */
  async #wait(durables: readonly Durable[]): Promise<First> {
    const first = await this.#context.first(durables);
    if (first !== 'canceled') return first;
    this.#isCanceled = true;
    await this.#ports.turn();
    return first;
  }
}

/** Name of the durable promise that holds the n-th signal of a name; a signal is used once. */
export function signalKey(name: string, index: number): string {
  return `${name}#${index}`;
}

/** Of timers that are due together, the one that was set first. */
function earliest(items: readonly Item[]): TimerItem | undefined {
  let found: TimerItem | undefined;
  for (const item of items) {
    if (item.kind !== 'timer') continue;
    const isEarlier =
      found === undefined || item.atMs < found.atMs || (item.atMs === found.atMs && item.setAs < found.setAs);
    if (isEarlier) found = item;
  }
  return found;
}
