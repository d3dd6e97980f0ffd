/**
 * Drives one set of steps to its end with a single select loop.
 *
 * A step goes: waiting → (its needs ended) → prepared → attempt ⇄ back-off or poll pause → ended. A failure that no other
 * step asked for stops the set: nothing new starts, pauses end at once, attempts in flight are waited for (each is
 * bounded by its own timeout), so that their results are known to whoever undoes them. The deadline of the set does not
 * wait: what is in flight then ends as `unknown`.
 */
import type { Json } from '@lazarus/core/ports';
import { stepError } from '../actions/step-error.ts';
import type { StepError } from '../actions/step-error.ts';
import { CANCEL_SIGNAL } from './limits.ts';
import { decideRetry } from './retry.ts';
import type { Pending, RunHandle, Selected, StepBody } from './run-handle.ts';
import type { BodyResult } from './step-body.ts';
import { StepSet } from './step-set.ts';
import { hasEnded } from './step-state.ts';
import type { StepState, StepWork } from './step-state.ts';

/** Why a set of steps stopped early. */
export interface Stop {
  readonly outcome: 'failed' | 'timed_out' | 'canceled';
  readonly step?: string;
  readonly code: string;
  readonly message: string;
}

/** Options of {@link driveSteps}. */
export interface DriveOptions {
  readonly handle: RunHandle;
  /** Name of the set, for its timers. */
  readonly name: string;
  readonly steps: readonly StepState[];
  readonly startedAtMs: number;
  /** Wall time, milliseconds. */
  readonly deadlineAtMs: number;
  /** A failure stops the set, and so does a request to stop. */
  readonly isStoppable: boolean;
  /** When steps that are held back by others start anyway; wall time, milliseconds. */
  readonly releaseAtMs?: number;
  /** The body of the next attempt. */
  body(state: StepState): StepBody;
  /** Called on every change of a step. */
  onChange(state: StepState, atMs: number): void;
}

/** Drives the steps; resolves when all have ended. */
export async function driveSteps(
  options: DriveOptions,
): Promise<{ readonly stop?: Stop; readonly atMs: number }> {
  const driver = new Driver(options);
  await driver.run();
  return { atMs: driver.nowMs, ...(driver.stop === undefined ? {} : { stop: driver.stop }) };
}

class Driver {
  readonly #options: DriveOptions;
  readonly #set: StepSet;
  #deadline: Pending | undefined;
  #release: Pending | undefined;
  #cancel: Pending | undefined;
  nowMs: number;
  stop: Stop | undefined;

  constructor(options: DriveOptions) {
    this.#options = options;
    this.nowMs = options.startedAtMs;
    this.#set = new StepSet(options.steps);
  }

  async run(): Promise<void> {
    const { handle, name, isStoppable, deadlineAtMs, releaseAtMs } = this.#options;
    this.#startReady();
    if (this.#isFinished()) return;
    this.#deadline = handle.timer(`${name}.deadline`, deadlineAtMs);
    if (isStoppable) this.#cancel = handle.signal(CANCEL_SIGNAL);
    if (releaseAtMs !== undefined && releaseAtMs < deadlineAtMs)
      this.#release = handle.timer(`${name}.release`, releaseAtMs);
    while (!this.#isFinished()) {
      const chosen = await handle.select(this.#pendings());
      this.nowMs = Math.max(this.nowMs, chosen.atMs);
      const chance = this.#on(chosen);
      if (chance !== undefined) await chance;
      this.#startReady();
    }
    for (const pending of [this.#deadline, this.#release, this.#cancel]) {
      if (pending !== undefined) handle.drop(pending, 'all steps have ended');
    }
    for (const state of this.#options.steps) if (!hasEnded(state)) this.#end(state, 'skipped');
  }

  #isFinished(): boolean {
    return this.#set.isFinished;
  }

  #pendings(): readonly Pending[] {
    const pendings = this.#set.pendings();
    for (const pending of [this.#cancel, this.#release, this.#deadline])
      if (pending !== undefined) pendings.push(pending);
    return pendings;
  }

  /** Waits only where chance is asked for, so that most events need no turn of their own. */
  #on(chosen: Selected): Promise<void> | undefined {
    const state = this.#set.waitingFor(chosen.key);
    if (state === undefined) {
      if (chosen.key === this.#deadline?.key) this.#onDeadline();
      else if (chosen.key === this.#cancel?.key) this.#onCancel(chosen);
      else if (chosen.key === this.#release?.key) this.#onRelease();
      return undefined;
    }
    return chosen.key === state.timer?.key ? this.#onTimer(state) : this.#onResult(state, chosen);
  }

  #onRelease(): void {
    this.#release = undefined;
    this.#set.wake();
  }

  #onCancel({ result }: Selected): void {
    this.#cancel = undefined;
    const reason = result.ok ? result.value : null;
    this.#stopNow({
      outcome: 'canceled',
      code: 'LZ_WORKFLOW_CANCELED',
      message: typeof reason === 'string' ? reason : 'asked to stop',
    });
  }

  /** The time of the whole set is over: nothing is waited for any more. */
  #onDeadline(): void {
    if (this.#deadline !== undefined) this.#options.handle.drop(this.#deadline, 'it was noticed');
    this.#deadline = undefined;
    this.stop ??= {
      outcome: 'timed_out',
      code: 'LZ_WORKFLOW_TIMEOUT',
      message: `not finished by ${new Date(this.#options.deadlineAtMs).toISOString()}`,
    };
    for (const state of this.#set.waiting) this.#end(state, 'skipped');
    for (const state of this.#set.running) {
      if (isAttempting(state)) {
        // Nobody waits for the call any more, so it counts as made: past a point of no return nothing is undone.
        state.began = true;
        state.uncertain ||= changes(state.work);
      }
      this.#fail(state, stepError('LZ_WORKFLOW_TIMEOUT', 'the time of the run was over', 'timeout'));
    }
  }

  /** Starts nothing more; what only pauses ends now, what is in flight is waited for. */
  #stopNow(stop: Stop): void {
    this.stop ??= stop;
    for (const state of this.#set.waiting) this.#end(state, 'skipped');
    for (const state of this.#set.running) {
      if (!isAttempting(state))
        this.#fail(state, stepError('LZ_WORKFLOW_CANCELED', 'the run was stopped', 'stopped'));
    }
  }

  #startReady(): void {
    const { releaseAtMs } = this.#options;
    const isReleased = (): boolean => releaseAtMs !== undefined && this.nowMs >= releaseAtMs;
    this.#set.settle(isReleased, (state, what) => {
      if (this.stop !== undefined) return;
      if (what === 'skip') this.#end(state, 'skipped');
      else this.#begin(state);
    });
  }

  #begin(state: StepState): void {
    const prepared = state.plan.prepare();
    if (!prepared.go) {
      if ('skip' in prepared) this.#end(state, 'skipped');
      else this.#fail(state, prepared.error);
      return;
    }
    const { handle, deadlineAtMs } = this.#options;
    state.status = 'running';
    this.#set.began(state);
    state.work = prepared.work;
    state.startedAtMs = this.nowMs;
    state.deadlineAtMs = Math.min(deadlineAtMs, this.nowMs + prepared.timeoutMs);
    if (prepared.work.kind === 'action') {
      if (state.plan.firstAfterMs === undefined) this.#attempt(state);
      else state.timer = handle.timer(`${state.plan.id}.first`, this.nowMs + state.plan.firstAfterMs);
      return;
    }
    state.attempts = 1;
    const { id } = state.plan;
    if (prepared.work.kind === 'signal') {
      state.pending = handle.signal(prepared.work.name);
      state.timer = handle.timer(`${id}.timeout`, state.deadlineAtMs);
    } else {
      state.timer = handle.timer(
        `${id}.wait`,
        Math.min(this.nowMs + prepared.work.forMs, state.deadlineAtMs),
      );
    }
    this.#options.onChange(state, this.nowMs);
  }

  #attempt(state: StepState): void {
    const { handle } = this.#options;
    const { id, attemptTimeoutMs } = state.plan;
    state.attempts += 1;
    state.pending = handle.start(id, state.attempts, this.#options.body(state));
    state.timer = handle.timer(
      `${id}.attempt${state.attempts}`,
      Math.min(this.nowMs + attemptTimeoutMs, state.deadlineAtMs ?? 0),
    );
    this.#options.onChange(state, this.nowMs);
  }

  #onTimer(state: StepState): Promise<void> | undefined {
    delete state.timer;
    // The time of a step never outlasts that of its set; when both end at once, it is the set's that has ended.
    if (this.nowMs >= this.#options.deadlineAtMs) {
      this.#onDeadline();
      return undefined;
    }
    const isOver = this.nowMs >= (state.deadlineAtMs ?? 0);
    if (state.work?.kind === 'wait') {
      if (state.startedAtMs !== undefined && this.nowMs >= state.startedAtMs + state.work.forMs)
        this.#succeed(state, null);
      else this.#fail(state, stepTimeout(state));
      return undefined;
    }
    if (state.work?.kind === 'signal') {
      this.#fail(state, stepTimeout(state));
      return undefined;
    }
    if (state.pending !== undefined) {
      this.#options.handle.drop(state.pending, 'the attempt took too long');
      delete state.pending;
      state.began = true;
      return this.#onError(
        state,
        stepError('LZ_WORKFLOW_STEP_TIMEOUT', `attempt ${state.attempts} did not end in time`, 'timeout'),
        isOver,
      );
    }
    if (isOver) this.#fail(state, stepTimeout(state));
    else this.#attempt(state);
    return undefined;
  }

  #onResult(state: StepState, chosen: Selected): Promise<void> | undefined {
    delete state.pending;
    if (state.timer !== undefined) this.#options.handle.drop(state.timer, 'there is a result');
    delete state.timer;
    const { result } = chosen;
    if (!result.ok) {
      state.began = true;
      return this.#onError(state, result.error, this.nowMs >= (state.deadlineAtMs ?? 0));
    }
    if (state.work?.kind === 'signal') this.#succeed(state, result.value);
    else this.#onBody(state, result.value as unknown as BodyResult);
    return undefined;
  }

  #onBody(state: StepState, body: BodyResult): void {
    if ('stopped' in body) {
      state.uncertain ||= body.uncertain;
      state.began ||= body.uncertain;
      this.#fail(state, stepError(body.code, body.stopped, 'stopped'));
      return;
    }
    state.began = true;
    state.failures = 0;
    if (body.target !== undefined) state.target = body.target;
    this.#onOutput(state, body.output);
  }

  #onOutput(state: StepState, output: Json): void {
    const { poll, id } = state.plan;
    if (poll === undefined || this.#isDone(state, output)) {
      if (!hasEnded(state)) this.#succeed(state, output);
      return;
    }
    if (this.stop !== undefined) {
      this.#fail(state, stepError('LZ_WORKFLOW_CANCELED', 'the run was stopped', 'stopped'));
      return;
    }
    state.previous = output;
    state.timer = this.#options.handle.timer(
      `${id}.poll${state.attempts}`,
      Math.min(this.nowMs + poll.everyMs, state.deadlineAtMs ?? 0),
    );
    this.#options.onChange(state, this.nowMs);
  }

  /** Whether polling is over; a condition that cannot be evaluated fails the step. */
  #isDone(state: StepState, output: Json): boolean {
    try {
      return state.plan.poll?.isDone(output) ?? true;
    } catch (error) {
      this.#failAfterAnswer(state, output, error);
      return true;
    }
  }

  /** The action answered, but what it gave cannot be used: whoever undoes it gets the answer as it was. Keeps S6. */
  #failAfterAnswer(state: StepState, result: Json, error: unknown): void {
    if (changes(state.work)) {
      state.uncertain = true;
      state.output = result;
    }
    const message = error instanceof Error ? error.message : String(error);
    this.#fail(state, stepError('LZ_EXPRESSION_INVALID', message, 'permanent'));
  }

  async #onError(state: StepState, error: StepError, isOver: boolean): Promise<void> {
    state.failures += 1;
    if (mayBeThere(error)) state.uncertain ||= changes(state.work);
    const { handle } = this.#options;
    const chance =
      state.plan.retry.jitter === 'full' && state.failures < state.plan.retry.maxAttempts
        ? await handle.random()
        : 0;
    const verdict = decideRetry(state.plan.retry, state.failures, error, chance);
    if (!verdict.retry || isOver || this.stop !== undefined) {
      this.#fail(state, isOver ? stepTimeout(state, error) : error);
      return;
    }
    state.error = error;
    state.timer = handle.timer(
      `${state.plan.id}.retry${state.attempts}`,
      Math.min(this.nowMs + verdict.delayMs, state.deadlineAtMs ?? 0),
    );
    this.#options.onChange(state, this.nowMs);
  }

  #succeed(state: StepState, result: Json): void {
    try {
      state.output = state.plan.mapOutput(result);
    } catch (error) {
      this.#failAfterAnswer(state, result, error);
      return;
    }
    delete state.error;
    state.uncertain = false;
    this.#end(state, 'succeeded');
  }

  #fail(state: StepState, error: StepError): void {
    state.error = error;
    this.#end(state, state.uncertain ? 'unknown' : 'failed');
    if (!this.#options.isStoppable || this.stop !== undefined || this.#set.isHandled(state)) return;
    if (state.plan.isBackground === true && error.code !== 'LZ_WORKFLOW_CANCELED') return;
    const outcome =
      error.class === 'stopped' || error.code === 'LZ_WORKFLOW_CANCELED' ? 'canceled' : 'failed';
    this.#stopNow({ outcome, step: state.plan.id, code: error.code, message: error.message });
  }

  #end(state: StepState, status: StepState['status']): void {
    for (const pending of [state.pending, state.timer]) {
      if (pending !== undefined) this.#options.handle.drop(pending, 'the step has ended');
    }
    delete state.pending;
    delete state.timer;
    state.status = status;
    state.endedAtMs = this.nowMs;
    this.#set.ended(state);
    this.#options.onChange(state, this.nowMs);
  }
}

const isAttempting = (state: StepState): boolean =>
  state.pending !== undefined && state.work?.kind === 'action';

/** Nobody knows what became of a call without an answer; of a failure, the body knows whether the call went out. */
const mayBeThere = (error: StepError): boolean =>
  error.retryable || error.class === 'stopped' || error.mayHaveHappened === true;

const changes = (work: StepWork | undefined): boolean => work?.kind === 'action' && !work.action.readOnly;

function stepTimeout(state: StepState, cause?: StepError): StepError {
  const waitedMs = (state.deadlineAtMs ?? 0) - (state.startedAtMs ?? 0);
  const last =
    state.previous === undefined ? '' : `; last seen: ${JSON.stringify(state.previous).slice(0, 200)}`;
  const why = cause === undefined ? last : `; last error: ${cause.message}`;
  return stepError(
    'LZ_WORKFLOW_STEP_TIMEOUT',
    `not done within ${Math.round(waitedMs / 100) / 10} s${why}`,
    'timeout',
  );
}
