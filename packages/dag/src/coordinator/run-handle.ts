/**
 * The seam between the coordinator and an engine.
 *
 * 1. One coordinator per run, single-threaded: it never awaits two pendings from different branches, it selects.
 * 2. Everything that it learns comes through the handle and is journaled before it is used: results, observed times,
 *    signals, chance. Replaying the journal therefore leads to the same state. Keeps S12.
 * 3. The intent of a body is durable before the body runs; a result is durable before any later body runs.
 */
import type { Json, RunRequest, FencingToken } from '@lazarus/core/ports';
import type { StepError } from '../actions/step-error.ts';
import type { WorkflowDefinition } from '../document/workflow-definition.ts';

/** What a run is, fixed when it was submitted. */
export interface RunRecord {
  readonly request: RunRequest;
  readonly definition: WorkflowDefinition;
  /** With defaults applied. */
  readonly inputs: Readonly<Record<string, Json>>;
  /** Wall time, milliseconds. */
  readonly startedAtMs: number;
  /** Absolute, so that a restart never prolongs a run; wall time, milliseconds. */
  readonly deadlineAtMs: number;
}

/** Outcome of something that was waited for; errors are values. */
export type Settled =
  { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly error: StepError };

/** Something to wait for. */
export interface Pending {
  readonly key: string;
}

/** The winner of a `select`. */
export interface Selected {
  readonly key: string;
  readonly result: Settled;
  /** Wall time at which it was observed; the same on replay. */
  readonly atMs: number;
}

/** What an engine gives to a body. */
export interface BodyContext {
  /** The intent was journaled before and no result is known: ask whether the effect happened before repeating it. */
  readonly mayHaveHappened: boolean;
  /** Aborts when the body is no longer waited for, or the run lost its lease or its lock. */
  readonly signal: AbortSignal;
  /** Token of the run's lock, once it is held: the first body takes it at its safe point. */
  readonly fence?: FencingToken | undefined;
}

/**
 * A {@link BodyContext} whose token is looked up when it is asked for. A class: each object literal with a getter has a
 * hidden shape of its own, which V8 frees only in a full collection, and a run makes one per attempt.
 */
export class FencedBodyContext implements BodyContext {
  readonly mayHaveHappened: boolean;
  readonly signal: AbortSignal;
  readonly #fence: () => FencingToken | undefined;

  constructor(mayHaveHappened: boolean, signal: AbortSignal, fence: () => FencingToken | undefined) {
    this.mayHaveHappened = mayHaveHappened;
    this.signal = signal;
    this.#fence = fence;
  }

  get fence(): FencingToken | undefined {
    return this.#fence();
  }
}

/** One attempt of one step. Whatever it returns or throws is journaled. */
export type StepBody = (context: BodyContext) => Promise<Json>;

/** One run, as the coordinator sees it. Every engine has one implementation. */
export interface RunHandle {
  readonly run: RunRecord;
  /** Journals the intent, runs the body, journals its result. */
  start(step: string, attempt: number, body: StepBody): Pending;
  /** A durable timer: due at an absolute wall time. */
  timer(name: string, atMs: number): Pending;
  /** A signal from outside, by name. */
  signal(name: string): Pending;
  /** Waits for the first of them; the same one on replay. */
  select(pendings: readonly Pending[]): Promise<Selected>;
  /** Stops waiting: a body's signal aborts, and a later result is thrown away. */
  drop(pending: Pending, reason: string): void;
  /** Wall time, journaled. */
  now(): Promise<number>;
  /** A number in `[0, 1)`, journaled. */
  random(): Promise<number>;
}
