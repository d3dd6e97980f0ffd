import type { ActionRegistry } from '../actions/action-registry.ts';
import type { TypeScope } from '../expression/cel-environment.ts';
import { jsonSchemaOf, shapeOf } from '../expression/value-type.ts';
import type { TypeShape, ValueType } from '../expression/value-type.ts';
import { parseTemplate } from '../expression/template.ts';
import type { InputDocument, StepDocument, WorkflowDocument } from './workflow-schema.ts';

const EVENT: TypeShape = {
  id: 'string',
  event_type: 'string',
  source: 'string',
  time: 'string',
  region: 'string',
  environment: 'string',
  service: 'string',
  account: 'dyn',
  host: 'dyn',
  incident_key: 'dyn',
  summary: 'dyn',
  attributes: 'dyn',
};

const RUN: TypeShape = {
  id: 'string',
  workflow: 'string',
  rule: 'string',
  service: 'string',
  host: 'dyn',
  incident_key: 'dyn',
  notification_group: 'dyn',
  outcome: 'string',
};

/** What the expressions of `on_error` and `finally` know about the failure; all `null` after a success. */
export const ERROR_SHAPE: TypeShape = { step: 'dyn', code: 'dyn', message: 'dyn' };

const INPUT_TYPES: Readonly<Record<InputDocument['type'], ValueType>> = {
  string: 'string',
  duration: 'string',
  number: 'double',
  integer: 'double',
  boolean: 'bool',
};

/** Variables that every expression of the document may use. */
export function baseShapes(document: WorkflowDocument): Readonly<Record<string, TypeShape>> {
  const inputs = Object.entries(document.inputs).map(([name, declared]): [string, TypeShape] => {
    const isPresent = declared.required === true || declared.default !== undefined;
    return [name, isPresent ? INPUT_TYPES[declared.type] : 'dyn'];
  });
  return { inputs: fields(inputs), event: EVENT, run: RUN };
}

/** One step as an expression sees it that may read it. */
export function stepShape(
  document: WorkflowDocument,
  id: string,
  actions: ActionRegistry,
  base: TypeScope,
): TypeShape {
  const step = document.steps[id];
  return { status: 'string', outputs: step === undefined ? 'dyn' : outputsShape(step, actions, base) };
}

/** Type of the raw result of a step's action. */
export function resultShape(step: StepDocument, actions: ActionRegistry): TypeShape {
  const action = step.uses === undefined ? undefined : actions.get(step.uses);
  return action === undefined ? 'dyn' : shapeOf(jsonSchemaOf(action.output, 'output'));
}

function outputsShape(step: StepDocument, actions: ActionRegistry, base: TypeScope): TypeShape {
  const result = resultShape(step, actions);
  if (step.outputs === undefined) return result;
  return fields(Object.entries(step.outputs).map(([name, text]) => [name, outputShape(text, result, base)]));
}

/** Type of one mapped output: a `$.path` into the result, or an expression over it. */
function outputShape(text: string, result: TypeShape, base: TypeScope): TypeShape {
  if (!text.startsWith('$.')) return expressionType(text, base.extend({ result }));
  let shape: TypeShape = result;
  for (const segment of text.slice(2).split('.')) {
    if (typeof shape === 'string' || !Object.hasOwn(shape, segment)) return 'dyn';
    shape = shape[segment] ?? 'dyn';
  }
  return shape;
}

/** What is wrong with the text is said at its own place. */
function expressionType(text: string, scope: TypeScope): ValueType {
  try {
    return parseTemplate(text).check(scope).type;
  } catch {
    return 'dyn';
  }
}

/** An object type; one without fields is a plain map. */
function fields(entries: readonly (readonly [string, TypeShape])[]): TypeShape {
  return entries.length === 0 ? 'map' : Object.fromEntries(entries);
}
