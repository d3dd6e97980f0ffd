import type { Json } from '@lazarus/core/ports';
import type { Action } from '../actions/action.ts';
import type { StepError } from '../actions/step-error.ts';
import type { ActionCall, Need, RetryPolicy, StepDefinition } from '../document/workflow-definition.ts';
import { idempotencyKey } from '../document/workflow-definition.ts';
import type { Pending, RunRecord } from './run-handle.ts';
import type { TargetSight } from './target-watch.ts';

/** Part of a run that a step belongs to. */
export type RunPhase = 'steps' | 'compensate' | 'on_error' | 'finally';

/** State of a step; `unknown`: it ended, but nobody knows whether its effect happened. */
export type StepStatus =
  'waiting' | 'running' | 'succeeded' | 'failed' | 'skipped' | 'compensated' | 'unknown';

/** What a step does once it starts. */
export type StepWork =
  | { readonly kind: 'action'; readonly action: Action; readonly input: unknown }
  | { readonly kind: 'wait'; readonly forMs: number }
  | { readonly kind: 'signal'; readonly name: string };

/** Outcome of preparing a step that is ready. */
export type Prepared =
  | { readonly go: true; readonly work: StepWork; readonly timeoutMs: number }
  | { readonly go: false; readonly skip: string }
  | { readonly go: false; readonly error: StepError };

/** How to run a step: its definition, or something the coordinator made up (undoing, asking what happened). */
export interface StepPlan {
  /** Unique in the run: `clone`, `compensate.clone`, `on_error.escalate`. */
  readonly id: string;
  readonly phase: RunPhase;
  readonly uses: string;
  readonly needs: readonly Need[];
  /** Step whose idempotency key is used; its own unless it asks about another one. */
  readonly effectOf: string;
  readonly retry: RetryPolicy;
  readonly attemptTimeoutMs: number;
  readonly poll?: { readonly everyMs: number; isDone(result: Json): boolean };
  /** Goes on beside the others: nobody waits for it, and its failure is none of the run's. */
  readonly isBackground?: boolean;
  /** Pause before the first attempt, milliseconds. */
  readonly firstAfterMs?: number;
  /** Starts when these steps have ended, or when the driver's release time has come. */
  readonly heldBy?: readonly StepState[];
  /** Evaluates condition and inputs at the moment the step becomes ready. */
  prepare(): Prepared;
  /** Output of the step from the result of its action. */
  mapOutput(result: Json): Json;
}

/** Everything known about one step; changed by the driver alone. */
export interface StepState {
  readonly plan: StepPlan;
  readonly definition?: StepDefinition;
  status: StepStatus;
  attempts: number;
  /** Failures in a row. */
  failures: number;
  /** An attempt went out whose effect may have happened without a known result. */
  uncertain: boolean;
  /** At least one attempt passed its safe point. */
  began: boolean;
  work?: StepWork;
  startedAtMs?: number;
  endedAtMs?: number;
  deadlineAtMs?: number;
  /** What its body saw of the run's host. */
  target?: TargetSight;
  /** Result of the last poll. */
  previous?: Json;
  output?: Json;
  error?: StepError;
  /** See {@link effectKey}. */
  key?: string;
  /** The body or the signal that it waits for. */
  pending?: Pending;
  timer?: Pending;
}

/** A step that has not started. */
export function createStepState(plan: StepPlan, definition?: StepDefinition): StepState {
  return {
    plan,
    ...(definition === undefined ? {} : { definition }),
    status: 'waiting',
    attempts: 0,
    failures: 0,
    uncertain: false,
    began: false,
  };
}

/** The idempotency key of a step, hashed once. Keeps S1. */
export function effectKey(run: RunRecord, state: StepState): string {
  state.key ??= idempotencyKey(run.request.runId, state.plan.effectOf);
  return state.key;
}

/** True when nothing more will happen to it. */
export function hasEnded(state: StepState): boolean {
  return state.status !== 'waiting' && state.status !== 'running';
}

/** The call that undoes a step, once its input and output are known; `undefined` when there is nothing to undo it with. */
export function undoCall(
  state: StepState,
  evaluate: (call: ActionCall) => ActionCall,
): ActionCall | undefined {
  const compensate = state.definition?.compensate;
  if (compensate === undefined) return undefined;
  if (compensate !== 'undo') return evaluate(compensate);
  if (state.work?.kind !== 'action' || state.work.action.undo === undefined) return undefined;
  const { undo } = state.work.action;
  return { uses: undo.uses, with: undo.with(state.work.input, state.output) };
}
