/**
 * The bodies of a run in this process: what runs within the closures that Restate calls.
 *
 * 1. No closure outlives the next timer of the run, and none is longer than a minute: it reports that its body still
 *    runs, and another closure waits for the same body.
 * 2. What a body threw is a value; Restate never retries a closure by itself.
 * 3. A process that was stopped and wakes up begins no body before it has found out what became of the run. S1, S4.
 */
import { PortError } from '@lazarus/core';
import type { Clock, FencingToken } from '@lazarus/core/ports';
import { FencedBodyContext, MAX_ATTEMPT_MS, stepError, toStepError } from '@lazarus/dag';
import type { Pending, Settled, StepBody } from '@lazarus/dag';
import type { Durable } from '../durable/durable-context.ts';
import type { BodiesInFlight } from './bodies-in-flight.ts';
import type { RunTime } from './run-time.ts';

/** A reason that costs nothing: `abort()` alone makes an exception with a stack each time. */
const NO_LONGER_NEEDED = Symbol('no longer needed');

/** What bodies need from their engine. */
export interface RunBodiesPorts {
  readonly clock: Clock;
  /** Names this execution in the journal. */
  readonly by: string;
  readonly bodies: BodiesInFlight;
  /** Resolves in the next turn of the process. */
  turn(): Promise<unknown>;
  /** False when what this process knows of the run may be old; see {@link Wakefulness}. */
  isAwake(): boolean;
  fence(): FencingToken | undefined;
  /** For crash tests: called at each boundary of an attempt. */
  readonly onBoundary?:
    ((boundary: 'intent' | 'body' | 'result', key: string) => void | Promise<void>) | undefined;
}

/** What a closure journals about a body. */
export type BodyRecord = {
  /** Wall time, milliseconds. */
  readonly atMs: number;
  /** Execution in which it ran. */
  readonly by: string;
} & ({ readonly settled: Settled } | { readonly late: true });

/** A body that is waited for. */
export interface BodyItem extends Pending {
  readonly kind: 'body';
  readonly body: StepBody;
  readonly abort: AbortController;
  /** Nobody can have started it before. */
  readonly isFresh: boolean;
  /** The closure that waits for it now. */
  durable?: Durable;
  closures: number;
  /** When its closure returns at the latest; time of the run, milliseconds. */
  untilMs: number;
  running?: Promise<Settled>;
  /** Its last closure ran in this execution. */
  ranHere: boolean;
}

/** Runs bodies. */
export class RunBodies {
  readonly #runId: string;
  readonly #ports: RunBodiesPorts;
  readonly #time: RunTime;
  readonly #ended: AbortSignal;

  /** @param ended - aborts when this execution of the run is over. */
  constructor(runId: string, ports: RunBodiesPorts, time: RunTime, ended: AbortSignal) {
    this.#runId = runId;
    this.#ports = ports;
    this.#time = time;
    this.#ended = ended;
  }

  /** Waits for the body, which it begins when nobody has, until the next timer is due. */
  async wait(item: BodyItem): Promise<BodyRecord> {
    item.ranHere = true;
    const { by } = this.#ports;
    const late = (): BodyRecord => ({ late: true, atMs: this.#time.now(), by });
    if (this.#time.now() >= item.untilMs) return late();
    if (item.running === undefined) this.#assertAwake();
    item.running ??= this.#ports.bodies.alone(`${this.#runId}/${item.key}`, () => this.#body(item));
    const settled = await this.#unlessLate(item, item.running);
    return settled === undefined ? late() : { settled, atMs: this.#time.now(), by };
  }

  /** The only thing that a closure throws: Restate then executes the run again, where it still is this process's. */
  #assertAwake(): void {
    if (this.#ports.isAwake() && !this.#ended.aborted) return;
    throw new PortError({
      code: 'LZ_JOURNAL_UNAVAILABLE',
      message: 'what this process knows of the run may be old',
      retryable: true,
    });
  }

  /** What the body settled with; nothing when the next timer is due before. Most bodies end before a timer is needed. */
  async #unlessLate(item: BodyItem, running: Promise<Settled>): Promise<Settled | undefined> {
    const { clock, turn } = this.#ports;
    let settled: Settled | undefined;
    const ended = running.then((value) => (settled = value));
    await Promise.race([ended, turn()]);
    if (settled !== undefined) return settled;
    const alarm = new AbortController();
    const leftMs = Math.min(item.untilMs - this.#time.now(), MAX_ATTEMPT_MS);
    const alarmed = clock.sleep(leftMs, { signal: alarm.signal }).catch(() => undefined);
    await Promise.race([ended, alarmed]);
    alarm.abort(NO_LONGER_NEEDED);
    return settled;
  }

  async #body(item: BodyItem): Promise<Settled> {
    const { signal } = item.abort;
    const { onBoundary } = this.#ports;
    try {
      signal.throwIfAborted();
      await onBoundary?.('intent', item.key);
      // The lock is taken at the safe point of the first body, after this.
      const fence = (): FencingToken | undefined => this.#ports.fence();
      const value = await item.body(new FencedBodyContext(!item.isFresh, signal, fence));
      await onBoundary?.('body', item.key);
      return { ok: true, value };
    } catch (error) {
      const reason: unknown = signal.aborted ? signal.reason : error;
      const converted = toStepError(reason);
      const isLost = converted.code === 'LZ_LOCK_LOST';
      return {
        ok: false,
        error: isLost ? stepError(converted.code, converted.message, 'stopped') : converted,
      };
    }
  }
}
