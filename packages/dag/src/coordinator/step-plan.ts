import { describeError } from '@lazarus/core';
import { parseDuration } from '@lazarus/core/documents';
import type { Json } from '@lazarus/core/ports';
import type { ActionRegistry } from '../actions/action-registry.ts';
import type { Action } from '../actions/action.ts';
import { stepError } from '../actions/step-error.ts';
import type { StepError } from '../actions/step-error.ts';
import type { ActionCall, StepDefinition } from '../document/workflow-definition.ts';
import { evaluateDeep, parseTemplate } from '../expression/template.ts';
import type { ExpressionValues } from '../expression/expression.ts';
import type { Prepared, RunPhase, StepPlan, StepState, StepWork } from './step-state.ts';

const ESCALATE = 'pager.escalate@';

/** Time of an escalation whose own step could not be prepared, milliseconds. */
const ESCALATE_TIMEOUT_MS = 2 * 60_000;

/** What plans are made with. */
export interface PlanContext {
  readonly actions: ActionRegistry;
  /** Variables as they are now. */
  values(): ExpressionValues;
}

/** `clone`, or `on_error.escalate` for a step outside the workflow itself. */
export function stepId(phase: RunPhase, id: string): string {
  return phase === 'steps' ? id : `${phase}.${id}`;
}

/** The plan of a step of the document. */
export function planStep(
  definition: StepDefinition,
  phase: RunPhase,
  context: PlanContext,
  heldBy?: readonly StepState[],
): StepPlan {
  const id = stepId(phase, definition.id);
  const { poll, outputs } = definition;
  return {
    id,
    phase,
    uses: definition.uses,
    needs: definition.needs.map((need) => ({ ...need, step: stepId(phase, need.step) })),
    effectOf: id,
    retry: definition.retry,
    attemptTimeoutMs: definition.attemptTimeoutMs,
    ...(heldBy === undefined ? {} : { heldBy }),
    ...(poll === undefined
      ? {}
      : {
          poll: {
            everyMs: poll.everyMs,
            isDone: (result) => parseTemplate(poll.until).evaluate({ ...context.values(), result }) === true,
          },
        }),
    prepare: () => {
      const prepared = prepareStep(definition, context);
      const isLost = phase === 'on_error' && definition.uses.startsWith(ESCALATE) && 'error' in prepared;
      return isLost ? prepareEscalation(definition, context) : prepared;
    },
    mapOutput: (result) => (outputs === undefined ? result : mapOutputs(outputs, result, context)),
  };
}

function prepareStep(definition: StepDefinition, context: PlanContext): Prepared {
  try {
    const values = context.values();
    if (definition.when !== undefined && parseTemplate(definition.when).evaluate(values) !== true) {
      return { go: false, skip: 'its condition is false' };
    }
    const work = workOf(definition, context.actions, values);
    if ('error' in work) return { go: false, error: work.error };
    return { go: true, work: work.work, timeoutMs: durationMs(definition.timeout, values) };
  } catch (error) {
    return { go: false, error: stepError('LZ_EXPRESSION_INVALID', describeError(error), 'permanent') };
  }
}

/** A human is told in plain words when the words of the document cannot be put together. Keeps S10. */
function prepareEscalation({ uses }: StepDefinition, { actions, values }: PlanContext): Prepared {
  const { run, error } = values() as {
    readonly run: { readonly incident_key: Json };
    readonly error: Readonly<Record<'step' | 'code' | 'message', string | null>>;
  };
  const reason = [error.step ?? 'run', error.code, error.message].filter((part) => part !== null).join(' ');
  const prepared = prepareCall({ uses, with: { incident: run.incident_key, reason } }, actions, {});
  return 'error' in prepared
    ? { go: false, error: prepared.error }
    : { go: true, work: prepared.work, timeoutMs: ESCALATE_TIMEOUT_MS };
}

type Work = { readonly work: StepWork } | { readonly error: StepError };

function workOf(definition: StepDefinition, actions: ActionRegistry, values: ExpressionValues): Work {
  if (definition.kind === 'signal')
    return { work: { kind: 'signal', name: definition.signal ?? definition.id } };
  if (definition.kind === 'wait')
    return { work: { kind: 'wait', forMs: durationMs(definition.wait ?? 0, values) } };
  return prepareCall({ uses: definition.uses, with: definition.with }, actions, values);
}

/** Evaluates and validates the inputs of an action. */
export function prepareCall(call: ActionCall, actions: ActionRegistry, values: ExpressionValues): Work {
  const action = actions.get(call.uses);
  if (action === undefined)
    return { error: stepError('LZ_WORKFLOW_UNKNOWN', `no action is called ${call.uses}`, 'permanent') };
  return parseInput(action, evaluateDeep(call.with, values));
}

function parseInput(action: Action, given: Json): Work {
  const parsed = action.input.safeParse(given);
  if (parsed.success) return { work: { kind: 'action', action, input: parsed.data } };
  const first = parsed.error.issues[0];
  const where = first === undefined ? '' : `${first.path.join('.')}: ${first.message}`;
  return {
    error: stepError(
      'LZ_WORKFLOW_INPUT',
      `${action.name}@${action.version} does not take these inputs: ${where}`,
      'permanent',
    ),
  };
}

/** Milliseconds of a duration that may be an expression. @throws RangeError when it is no duration. */
export function durationMs(duration: number | string, values: ExpressionValues): number {
  if (typeof duration === 'number') return duration;
  const text = parseTemplate(duration).evaluate(values);
  const parsed = typeof text === 'string' ? parseDuration(text) : undefined;
  if (parsed === undefined) throw new RangeError(`${JSON.stringify(text)} is no duration such as 30s or 10m`);
  return parsed;
}

function mapOutputs(outputs: Readonly<Record<string, string>>, result: Json, context: PlanContext): Json {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, text]) => [name, mapOutput(text, result, context)]),
  );
}

function mapOutput(text: string, result: Json, context: PlanContext): Json {
  if (!text.startsWith('$.')) return parseTemplate(text).evaluate({ ...context.values(), result });
  let value: Json | undefined = result;
  for (const segment of text.slice(2).split('.')) {
    const object: Json | undefined = value;
    value =
      typeof object === 'object' &&
      object !== null &&
      !Array.isArray(object) &&
      Object.hasOwn(object, segment)
        ? (object as Readonly<Record<string, Json>>)[segment]
        : undefined;
  }
  if (value === undefined) throw new RangeError(`the result has no ${text}`);
  return value;
}
