/**
 * Undoing, in reverse order of completion. A step whose effect may have happened without a known result is asked first
 * ("did it happen?", several times, because providers list late), so that a launch that was accepted but never answered
 * leaves no orphan.
 */
import { z } from 'zod';
import type { Json } from '@lazarus/core/ports';
import type { Action } from '../actions/action.ts';
import { stepError } from '../actions/step-error.ts';
import type { RetryPolicy } from '../document/workflow-definition.ts';
import { evaluateDeep } from '../expression/template.ts';
import { EFFECT_CHECK_EVERY_MS, EFFECT_CHECKS, MAX_ATTEMPT_MS } from './limits.ts';
import { prepareCall } from './step-plan.ts';
import type { PlanContext } from './step-plan.ts';
import { createStepState, undoCall } from './step-state.ts';
import type { Prepared, StepState } from './step-state.ts';

const ENDED = ['succeeded', 'failed', 'skipped'] as const;

const RETRY: RetryPolicy = {
  maxAttempts: 5,
  initialMs: 1_000,
  factor: 2,
  maxMs: 10_000,
  jitter: 'full',
  on: ['transient', 'timeout'],
};

interface CheckOutput {
  readonly happened: boolean;
  readonly output: Json;
  readonly asked: number;
}

/**
 * The steps that undo what was done, one after the other; empty once the point of no return has passed.
 *
 * @param timeoutMs - time of each of them, milliseconds.
 */
export function planCompensation(
  steps: readonly StepState[],
  context: PlanContext,
  timeoutMs: number,
): readonly StepState[] {
  if (steps.some((step) => step.definition?.pointOfNoReturn === true && step.began)) return [];
  const undoable = steps
    .map((step, index) => ({ step, index }))
    .filter(
      ({ step }) =>
        step.definition?.compensate !== undefined && (step.status === 'succeeded' || step.uncertain),
    )
    .sort(
      (left, right) => (right.step.endedAtMs ?? 0) - (left.step.endedAtMs ?? 0) || right.index - left.index,
    );
  const plans: StepState[] = [];
  for (const { step } of undoable) {
    // What gave an answer did happen, even if the run could not use the answer.
    if (step.status !== 'succeeded' && step.output === undefined && hasCheck(step))
      plans.push(askWhatHappened(step, plans.at(-1), timeoutMs));
    plans.push(undoStep(step, plans.at(-1), context, timeoutMs));
  }
  return plans;
}

const hasCheck = (step: StepState): boolean =>
  step.work?.kind === 'action' && step.work.action.check !== undefined;

const after = (previous: StepState | undefined) =>
  previous === undefined ? [] : [{ step: previous.plan.id, on: ENDED }];

function askWhatHappened(step: StepState, previous: StepState | undefined, timeoutMs: number): StepState {
  return createStepState({
    id: `check.${step.plan.id}`,
    phase: 'compensate',
    uses: step.plan.uses,
    needs: after(previous),
    effectOf: step.plan.effectOf,
    retry: RETRY,
    attemptTimeoutMs: MAX_ATTEMPT_MS,
    poll: {
      everyMs: EFFECT_CHECK_EVERY_MS,
      isDone: (result) =>
        (result as unknown as CheckOutput).happened ||
        (result as unknown as CheckOutput).asked >= EFFECT_CHECKS,
    },
    prepare: () => prepareCheck(step, timeoutMs),
    mapOutput: (result) => {
      const { happened, output } = result as unknown as CheckOutput;
      if (happened) step.output = mappedOr(step, output);
      else step.uncertain = false;
      return { happened };
    },
  });
}

/** The mapped answer; as it is when it cannot be mapped, because undoing must not depend on that. */
function mappedOr(step: StepState, output: Json): Json {
  try {
    return step.plan.mapOutput(output);
  } catch {
    return output;
  }
}

function prepareCheck(step: StepState, timeoutMs: number): Prepared {
  if (step.work?.kind !== 'action') return { go: false, skip: 'it never started' };
  const { action, input } = step.work;
  return { go: true, timeoutMs, work: { kind: 'action', action: effectCheck(action), input } };
}

/** The check hook of an action, as an action of its own that only looks. */
function effectCheck(action: Action): Action {
  return {
    ...action,
    name: `${action.name}.check`,
    output: z.unknown(),
    readOnly: true,
    destructive: false,
    run: async (input, context) => {
      const found = (await action.check?.(input, context)) ?? { happened: false };
      const asked = ((context.previous as unknown as CheckOutput | undefined)?.asked ?? 0) + 1;
      return { happened: found.happened, output: found.happened ? found.output : null, asked };
    },
  };
}

function undoStep(
  step: StepState,
  previous: StepState | undefined,
  context: PlanContext,
  timeoutMs: number,
): StepState {
  const compensate = step.definition?.compensate;
  const uses =
    typeof compensate === 'object'
      ? compensate.uses
      : step.work?.kind === 'action'
        ? (step.work.action.undo?.uses ?? '')
        : '';
  return createStepState({
    id: `compensate.${step.plan.id}`,
    phase: 'compensate',
    uses,
    needs: after(previous),
    effectOf: `compensate.${step.plan.id}`,
    retry: RETRY,
    attemptTimeoutMs: MAX_ATTEMPT_MS,
    prepare: () => prepareUndo(step, context, timeoutMs),
    mapOutput: (result) => {
      step.status = 'compensated';
      return result;
    },
  });
}

function prepareUndo(step: StepState, context: PlanContext, timeoutMs: number): Prepared {
  if (step.status !== 'succeeded' && !step.uncertain) return { go: false, skip: 'its effect did not happen' };
  if (step.output === undefined && hasCheck(step)) {
    return {
      go: false,
      error: stepError(
        'LZ_WORKFLOW_STEP_FAILED',
        `nobody could tell whether ${step.plan.id} had an effect; look for it by hand`,
        'permanent',
      ),
    };
  }
  try {
    const call = undoCall(step, (raw) => ({
      uses: raw.uses,
      with: evaluateDeep(raw.with, context.values()) as typeof raw.with,
    }));
    if (call === undefined) return { go: false, skip: 'there is nothing to undo' };
    const prepared = prepareCall(call, context.actions, {});
    return 'error' in prepared
      ? { go: false, error: prepared.error }
      : { go: true, work: prepared.work, timeoutMs };
  } catch (error) {
    return {
      go: false,
      error: stepError(
        'LZ_EXPRESSION_INVALID',
        error instanceof Error ? error.message : String(error),
        'permanent',
      ),
    };
  }
}
