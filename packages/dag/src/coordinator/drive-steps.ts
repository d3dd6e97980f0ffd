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
  readonly #byId: ReadonlyMap<string, StepState>;
  #deadline: Pending | undefined;
  #release: Pending | undefined;
  #cancel: Pending | undefined;
  nowMs: number;
  stop: Stop | undefined;

  constructor(options: DriveOptions) {
    this.#options = options;
    this.nowMs = options.startedAtMs;
    this.#byId = new Map(options.steps.map((state) => [state.plan.id, state]));
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
      await this.#on(chosen);
      this.#startReady();
    }
    for (const pending of [this.#deadline, this.#release, this.#cancel]) {
      if (pending !== undefined) handle.drop(pending, 'all steps have ended');
    }
    for (const state of this.#options.steps) if (!hasEnded(state)) this.#end(state, 'skipped');
  }

  #isFinished(): boolean {
    return this.#options.steps.every((state) => state.plan.isBackground === true || hasEnded(state));
  }

  #pendings(): readonly Pending[] {
    const own = this.#options.steps.flatMap((state) => [state.pending, state.timer]);
    return [...own, this.#cancel, this.#release, this.#deadline].filter((pending) => pending !== undefined);
  }

  async #on(chosen: Selected): Promise<void> {
    if (chosen.key === this.#deadline?.key) {
      this.#onDeadline();
      return;
    }
    if (chosen.key === this.#release?.key) {
      this.#release = undefined;
      return;
    }
    if (chosen.key === this.#cancel?.key) {
      this.#cancel = undefined;
      const reason = chosen.result.ok ? chosen.result.value : null;
      this.#stopNow({
        outcome: 'canceled',
        code: 'LZ_WORKFLOW_CANCELED',
        message: typeof reason === 'string' ? reason : 'asked to stop',
      });
      return;
    }
    const state = this.#options.steps.find(
      ({ pending, timer }) => pending?.key === chosen.key || timer?.key === chosen.key,
    );
    if (state === undefined) return;
    if (chosen.key === state.timer?.key) await this.#onTimer(state);
    else await this.#onResult(state, chosen);
  }

  /** The time of the whole set is over: nothing is waited for any more. */
  #onDeadline(): void {
    this.#deadline = undefined;
    this.stop ??= {
      outcome: 'timed_out',
      code: 'LZ_WORKFLOW_TIMEOUT',
      message: `not finished by ${new Date(this.#options.deadlineAtMs).toISOString()}`,
    };
    for (const state of this.#options.steps) {
      if (state.status === 'waiting') this.#end(state, 'skipped');
      if (state.status !== 'running') continue;
      if (isAttempting(state)) state.uncertain ||= changes(state.work);
      this.#fail(state, stepError('LZ_WORKFLOW_TIMEOUT', 'the time of the run was over', 'timeout'));
    }
  }

  /** Starts nothing more; what only pauses ends now, what is in flight is waited for. */
  #stopNow(stop: Stop): void {
    this.stop ??= stop;
    for (const state of this.#options.steps) {
      if (state.status === 'waiting') this.#end(state, 'skipped');
      else if (state.status === 'running' && !isAttempting(state)) {
        this.#fail(state, stepError('LZ_WORKFLOW_CANCELED', 'the run was stopped', 'stopped'));
      }
    }
  }

  #isStopped(): boolean {
    return this.stop !== undefined;
  }

  #startReady(): void {
    for (let changed = true; changed;) {
      changed = false;
      for (const state of this.#options.steps) {
        if (this.#isStopped() || state.status !== 'waiting') continue;
        const readiness = this.#readiness(state);
        if (readiness === 'wait') continue;
        changed = true;
        if (readiness === 'skip') this.#end(state, 'skipped');
        else this.#begin(state);
      }
    }
  }

  #readiness(state: StepState): 'go' | 'wait' | 'skip' {
    let readiness: 'go' | 'wait' = 'go';
    for (const need of state.plan.needs) {
      const needed = this.#byId.get(need.step);
      if (needed === undefined) continue;
      if (!hasEnded(needed)) readiness = 'wait';
      else if (!need.on.includes(needOutcome(needed))) return 'skip';
    }
    const { heldBy } = state.plan;
    const isReleased = this.#options.releaseAtMs !== undefined && this.nowMs >= this.#options.releaseAtMs;
    if (heldBy !== undefined && !isReleased && !heldBy.every(hasEnded)) return 'wait';
    return readiness;
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

  async #onTimer(state: StepState): Promise<void> {
    delete state.timer;
    const isOver = this.nowMs >= (state.deadlineAtMs ?? 0);
    if (state.work?.kind === 'wait') {
      if (state.startedAtMs !== undefined && this.nowMs >= state.startedAtMs + state.work.forMs)
        this.#succeed(state, null);
      else this.#fail(state, stepTimeout(state));
      return;
    }
    if (state.work?.kind === 'signal') {
      this.#fail(state, stepTimeout(state));
      return;
    }
    if (state.pending !== undefined) {
      this.#options.handle.drop(state.pending, 'the attempt took too long');
      delete state.pending;
      state.began = true;
      await this.#onError(
        state,
        stepError('LZ_WORKFLOW_STEP_TIMEOUT', `attempt ${state.attempts} did not end in time`, 'timeout'),
        isOver,
      );
    } else if (isOver) this.#fail(state, stepTimeout(state));
    else this.#attempt(state);
  }

  async #onResult(state: StepState, chosen: Selected): Promise<void> {
    delete state.pending;
    if (state.timer !== undefined) this.#options.handle.drop(state.timer, 'there is a result');
    delete state.timer;
    const { result } = chosen;
    if (!result.ok) {
      state.began = true;
      await this.#onError(state, result.error, this.nowMs >= (state.deadlineAtMs ?? 0));
      return;
    }
    if (state.work?.kind === 'signal') {
      this.#succeed(state, result.value);
      return;
    }
    const body = result.value as unknown as BodyResult;
    if ('stopped' in body) {
      state.uncertain ||= body.uncertain;
      state.began ||= body.uncertain;
      this.#fail(state, stepError(body.code, body.stopped, 'stopped'));
      return;
    }
    state.began = true;
    state.failures = 0;
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
      this.#fail(
        state,
        stepError(
          'LZ_EXPRESSION_INVALID',
          error instanceof Error ? error.message : String(error),
          'permanent',
        ),
      );
      return true;
    }
  }

  async #onError(state: StepState, error: StepError, isOver: boolean): Promise<void> {
    state.failures += 1;
    if (error.retryable || error.class === 'stopped') state.uncertain ||= changes(state.work);
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
      this.#fail(
        state,
        stepError(
          'LZ_EXPRESSION_INVALID',
          error instanceof Error ? error.message : String(error),
          'permanent',
        ),
      );
      return;
    }
    delete state.error;
    state.uncertain = false;
    this.#end(state, 'succeeded');
  }

  #fail(state: StepState, error: StepError): void {
    state.error = error;
    this.#end(state, state.uncertain ? 'unknown' : 'failed');
    if (!this.#options.isStoppable || this.stop !== undefined || this.#isHandled(state)) return;
    if (state.plan.isBackground === true && error.code !== 'LZ_WORKFLOW_CANCELED') return;
    const outcome =
      error.class === 'stopped' || error.code === 'LZ_WORKFLOW_CANCELED' ? 'canceled' : 'failed';
    this.#stopNow({ outcome, step: state.plan.id, code: error.code, message: error.message });
  }

  /** Some step asked to run when this one fails. */
  #isHandled(state: StepState): boolean {
    return this.#options.steps.some(({ plan }) =>
      plan.needs.some((need) => need.step === state.plan.id && need.on.includes('failed')),
    );
  }

  #end(state: StepState, status: StepState['status']): void {
    for (const pending of [state.pending, state.timer]) {
      if (pending !== undefined) this.#options.handle.drop(pending, 'the step has ended');
    }
    delete state.pending;
    delete state.timer;
    state.status = status;
    state.endedAtMs = this.nowMs;
    this.#options.onChange(state, this.nowMs);
  }
}

const isAttempting = (state: StepState): boolean =>
  state.pending !== undefined && state.work?.kind === 'action';

const changes = (work: StepWork | undefined): boolean => work?.kind === 'action' && !work.action.readOnly;

function needOutcome(state: StepState): 'succeeded' | 'failed' | 'skipped' {
  if (state.status === 'succeeded' || state.status === 'skipped') return state.status;
  return 'failed';
}

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
