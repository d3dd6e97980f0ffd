/**
 * One run from its first step to its outcome, on any engine.
 *
 * Phases: `steps` → (on a stop) undo and `on_error` → `finally`. Undoing has 40 s before the human is told in any case,
 * so that an acknowledged page is escalated within 60 s of the end of the run's time (S10). `finally` cannot change the
 * outcome. Undoing with `on_error`, and `finally`, each have the cleanup budget of the workflow.
 */
import type { Json, RunOutcome, RunView } from '@lazarus/core/ports';
import type { ActionRegistry } from '../actions/action-registry.ts';
import type { HostTouch } from '../actions/action.ts';
import { parseTemplate } from '../expression/template.ts';
import { planCompensation } from './compensation.ts';
import { driveSteps } from './drive-steps.ts';
import type { Stop } from './drive-steps.ts';
import type { RunHandle, StepBody } from './run-handle.ts';
import { RunScope } from './run-scope.ts';
import { runView } from './run-view.ts';
import { stepBody } from './step-body.ts';
import type { BodyPorts, StepPoint, TargetHistory } from './step-body.ts';
import { planReacknowledge } from './reacknowledge.ts';
import { planStep } from './step-plan.ts';
import type { PlanContext } from './step-plan.ts';
import { createStepState, effectKey } from './step-state.ts';
import type { RunPhase, StepState } from './step-state.ts';

/** Longest time that undoing may keep a human waiting, milliseconds. Keeps S10. */
export const UNDO_BEFORE_ESCALATION_MS = 40_000;

/** Time that telling a human has at least, however small the cleanup budget is; milliseconds. */
const TELL_WITHIN_MS = 60_000;

/** What a coordinator needs besides the handle. */
export interface CoordinatorOptions {
  readonly actions: ActionRegistry;
  readonly bodies: BodyPorts;
  /** Called on every change of a step, also while replaying. */
  onStep?(state: StepState, atMs: number): void;
}

/** One run in the hands of its coordinator. */
export interface CoordinatedRun {
  /** Drives the run to its end. Rejects only when the engine cannot go on (fenced, journal gone, broken invariant). */
  execute(): Promise<RunView>;
  /** The run as it is now. */
  view(): RunView;
  /** Destructive steps whose action began: whatever came of it, it may have changed something. Keeps S6. */
  effects(): readonly StepState[];
}

/** Takes a run in hand; nothing happens before `execute`. */
export function coordinate(handle: RunHandle, options: CoordinatorOptions): CoordinatedRun {
  return new Coordinator(handle, options);
}

class Coordinator implements CoordinatedRun {
  readonly #handle: RunHandle;
  readonly #options: CoordinatorOptions;
  readonly #context: PlanContext;
  readonly #main: readonly StepState[];
  readonly #background: readonly StepState[];
  #cleanup: readonly StepState[] = [];
  #final: readonly StepState[] = [];
  #stop: Stop | undefined;
  readonly #scope: RunScope;
  #outcome: RunOutcome | undefined;
  #isOver = false;
  #endedAtMs: number | undefined;
  #outputs: Readonly<Record<string, Json>> = {};

  constructor(handle: RunHandle, options: CoordinatorOptions) {
    this.#handle = handle;
    this.#options = options;
    this.#context = { actions: options.actions, values: () => this.#scope.values() };
    this.#main = handle.run.definition.steps.map((step) =>
      createStepState(planStep(step, 'steps', this.#context), step),
    );
    this.#scope = new RunScope(handle.run, this.#main);
    const reacknowledge = planReacknowledge(handle.run, this.#context);
    this.#background = reacknowledge === undefined ? [] : [reacknowledge];
  }

  async execute(): Promise<RunView> {
    const { run } = this.#handle;
    const main = await this.#drive('steps', [...this.#main, ...this.#background], {
      startedAtMs: run.startedAtMs,
      deadlineAtMs: run.deadlineAtMs,
      isStoppable: true,
    });
    this.#stop = main.stop;
    this.#outcome = main.stop?.outcome ?? 'succeeded';
    this.#scope.ended(this.#outcome, main.stop);
    let atMs = main.atMs;
    if (main.stop !== undefined) atMs = await this.#cleanUp(atMs);
    this.#outputs = this.#evaluateOutputs();
    atMs = await this.#finalize(atMs);
    this.#endedAtMs = atMs;
    this.#isOver = true;
    return this.view();
  }

  view(): RunView {
    return runView({
      run: this.#handle.run,
      steps: [...this.#main, ...this.#cleanup, ...this.#final],
      outputs: this.#outputs,
      ...(this.#isOver && this.#outcome !== undefined ? { outcome: this.#outcome } : {}),
      ...(this.#endedAtMs === undefined ? {} : { endedAtMs: this.#endedAtMs }),
      ...(this.#stop === undefined ? {} : { stop: this.#stop }),
    });
  }

  effects(): readonly StepState[] {
    return [...this.#main, ...this.#cleanup].filter(
      (state) =>
        state.work?.kind === 'action' && state.work.action.destructive && (state.began || state.uncertain),
    );
  }

  /** Undoes and tells a human; the human is told in time even when undoing hangs. */
  async #cleanUp(atMs: number): Promise<number> {
    const { onError, timeouts } = this.#handle.run.definition;
    const undo =
      onError.compensate === 'none' ? [] : planCompensation(this.#main, this.#context, timeouts.cleanupMs);
    const tell = onError.steps.map((step) =>
      createStepState(planStep(step, 'on_error', this.#context, undo), step),
    );
    this.#cleanup = [...undo, ...tell];
    const releaseAtMs = atMs + Math.min(UNDO_BEFORE_ESCALATION_MS, timeouts.cleanupMs);
    const done = await this.#drive('cleanup', this.#cleanup, {
      startedAtMs: atMs,
      deadlineAtMs: Math.max(atMs + timeouts.cleanupMs, releaseAtMs + TELL_WITHIN_MS),
      isStoppable: false,
      releaseAtMs,
    });
    return done.atMs;
  }

  async #finalize(atMs: number): Promise<number> {
    const { definition } = this.#handle.run;
    this.#final = definition.finally.map((step) =>
      createStepState(planStep(step, 'finally', this.#context), step),
    );
    const done = await this.#drive('finally', this.#final, {
      startedAtMs: atMs,
      deadlineAtMs: atMs + definition.timeouts.cleanupMs,
      isStoppable: false,
    });
    return done.atMs;
  }

  #drive(
    name: string,
    steps: readonly StepState[],
    times: {
      readonly startedAtMs: number;
      readonly deadlineAtMs: number;
      readonly isStoppable: boolean;
      readonly releaseAtMs?: number;
    },
  ): ReturnType<typeof driveSteps> {
    return driveSteps({
      handle: this.#handle,
      name,
      steps,
      ...times,
      body: (state) => this.#body(state),
      onChange: (state, atMs) => {
        this.#scope.changed(state);
        if (state.plan.isBackground !== true) this.#options.onStep?.(state, atMs);
      },
    });
  }

  #body(state: StepState): StepBody {
    const { work, plan } = state;
    if (work?.kind !== 'action') throw new TypeError(`step ${plan.id} calls no action`);
    return stepBody(
      {
        run: this.#handle.run,
        point: this.#point(state, plan.phase, work.action.destructive),
        action: work.action,
        input: work.input,
        idempotencyKey: effectKey(this.#handle.run, state),
        attempt: state.attempts,
        startedAtMs: state.startedAtMs ?? 0,
        uncertain: state.uncertain,
        ...(state.previous === undefined ? {} : { previous: state.previous }),
        ...this.#target(state),
      },
      this.#options.bodies,
    );
  }

  /** What the run saw last of its host, and what it has begun to do to it. */
  #target(state: StepState): { readonly target?: TargetHistory } {
    const { hostId } = this.#handle.run.request;
    if (hostId === undefined || state.plan.phase !== 'steps') return {};
    const own: HostTouch[] = [];
    let last: StepState | undefined;
    for (const other of this.#main) {
      if (other.target !== undefined && (other.endedAtMs ?? 0) >= (last?.endedAtMs ?? 0)) last = other;
      const hasBegun = other === state ? state.attempts > 1 || state.uncertain : other.attempts > 0;
      if (hasBegun && other.work?.kind === 'action' && isAbout(other, hostId))
        own.push(other.work.action.touches);
    }
    const seen = last?.target === undefined ? {} : { seen: last.target };
    return { target: { hostId, own, isSubject: isAbout(state, hostId), ...seen } };
  }

  #point(state: StepState, phase: RunPhase, destructive: boolean): StepPoint {
    const firstDestructive = destructive && phase === 'steps' && !this.#hasActed(state);
    return { step: state.plan.id, phase, uses: state.plan.uses, destructive, firstDestructive };
  }

  /** Whether another destructive step may have changed something. */
  #hasActed(state: StepState): boolean {
    const others = this.#main.filter((other) => other !== state && isDestructive(other));
    // Steps that start side by side are both first; a retry is not, once the other one may have changed something.
    return others.some(
      (other) => other.began || other.uncertain || (state.attempts > 1 && other.status === 'running'),
    );
  }

  /** Outputs whose steps did not run are left out. */
  #evaluateOutputs(): Readonly<Record<string, Json>> {
    const values = this.#scope.values();
    const entries = Object.entries(this.#handle.run.definition.outputs).flatMap(
      ([name, text]): [string, Json][] => {
        try {
          return [[name, parseTemplate(text).evaluate(values)]];
        } catch {
          return [];
        }
      },
    );
    return Object.fromEntries(entries);
  }
}

/** Calls an action that changes something, with this host among its inputs. */
function isAbout({ work }: StepState, hostId: string): boolean {
  if (work?.kind !== 'action' || work.action.readOnly) return false;
  return typeof work.input !== 'object' || work.input === null || Object.values(work.input).includes(hostId);
}

function isDestructive(state: StepState): boolean {
  return state.work?.kind === 'action' && state.work.action.destructive;
}
