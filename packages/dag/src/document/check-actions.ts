import { explainSchemaIssues, parseDuration } from '@lazarus/core/documents';
import type { DocumentPath } from '@lazarus/core/documents';
import type { Json } from '@lazarus/core/ports';
import type { Action } from '../actions/action.ts';
import { WAIT_ACTION } from '../coordinator/limits.ts';
import { parseTemplate, textsIn } from '../expression/template.ts';
import { jsonSchemaOf } from '../expression/value-type.ts';
import { isOfInputType } from './input-type.ts';
import { hintFor } from './known-names.ts';
import type { CheckInput, StepGroup } from './step-group.ts';
import { needsOf } from './step-group.ts';
import type { InputDocument, StepDocument } from './workflow-schema.ts';

const EXAMPLES: Readonly<Record<InputDocument['type'], string>> = {
  string: 'put it into quotes',
  duration: '30s',
  number: '1.5',
  integer: '3',
  boolean: 'true or false',
};

/** Every step does exactly one thing, with an action that exists and the inputs that it takes. */
export function checkActions(input: CheckInput): void {
  for (const group of input.groups) {
    for (const [id, step] of Object.entries(group.steps)) checkStep(input, group, id, step);
  }
  checkEscalation(input);
  checkInputs(input);
}

/** S10: an error path that forgets the human is refused. */
function checkEscalation({ document, issues }: CheckInput): void {
  if (document.on_error === undefined) return;
  const escalates = Object.values(document.on_error.steps).some(
    (step) =>
      step.uses?.startsWith('pager.escalate@') === true &&
      step.when === undefined &&
      needsOf(step).length === 0,
  );
  if (!escalates) {
    issues.add(
      ['on_error', 'steps'],
      'no step uses pager.escalate@1 unconditionally',
      'every error ends with a human who is told',
    );
  }
}

function checkInputs({ document, issues }: CheckInput): void {
  for (const [name, declared] of Object.entries(document.inputs)) {
    if (declared.default === undefined) continue;
    const path = ['inputs', name, 'default'];
    if (!isOfInputType(declared.default, declared.type))
      issues.add(
        path,
        `found ${JSON.stringify(declared.default)}, expected a default of type ${declared.type}`,
        EXAMPLES[declared.type],
      );
    if (declared.required === true)
      issues.add(path, 'a required input has no default', 'remove default, or required');
  }
}

function checkStep(input: CheckInput, group: StepGroup, id: string, step: StepDocument): void {
  const path = [...group.path, id];
  const { issues } = input;
  const kinds = (['uses', 'wait', 'signal'] as const).filter((kind) => step[kind] !== undefined);
  if (kinds.length !== 1) {
    issues.add(
      path,
      `found ${kinds.length === 0 ? 'nothing to do' : kinds.join(' and ')}, expected exactly one of uses, wait and signal`,
      kinds.length === 0 ? 'uses: notify.send@1' : 'make a step of its own of each',
    );
    return;
  }
  checkCompensation(input, group, path, step);
  if (step.point_of_no_return !== undefined && group.phase !== 'steps')
    issues.add(
      [...path, 'point_of_no_return'],
      `nothing is undone any more in ${group.phase}`,
      'set it on the step of the workflow that cannot be taken back',
    );
  if (step.uses === undefined || step.uses === WAIT_ACTION) {
    checkTimerStep(input, path, step);
    return;
  }
  const action = knownAction(input, [...path, 'uses'], step.uses);
  if (action === undefined) return;
  checkWith(input, [...path, 'with'], path, action, step.with ?? {});
  if (step.poll !== undefined && !action.readOnly) {
    issues.add(
      [...path, 'poll'],
      `${step.uses} changes something, so it cannot be polled`,
      'poll an action that only looks',
    );
  }
}

function checkTimerStep({ issues }: CheckInput, path: DocumentPath, step: StepDocument): void {
  for (const key of ['poll', 'retry', 'attempt_timeout', 'outputs'] as const) {
    if (step[key] !== undefined)
      issues.add([...path, key], `${key} makes no sense for a step that waits`, 'remove it');
  }
  if (step.uses === WAIT_ACTION) {
    const keys = Object.keys(step.with ?? {});
    const duration = step.with?.['for'];
    const isDuration =
      typeof duration === 'string' && (duration.includes('${{') || parseDuration(duration) !== undefined);
    if (keys.length !== 1 || !isDuration)
      issues.add([...path, 'with'], `${WAIT_ACTION} takes exactly one input, a duration`, 'for: 30s');
  } else if (step.with !== undefined) {
    issues.add([...path, 'with'], 'with makes no sense for a step that waits', 'remove it');
  }
}

function checkCompensation(
  input: CheckInput,
  group: StepGroup,
  path: DocumentPath,
  step: StepDocument,
): void {
  const { compensate } = step;
  if (compensate === undefined) return;
  const { issues, actions } = input;
  const at = [...path, 'compensate'];
  if (group.phase !== 'steps')
    issues.add(at, 'only the steps of the workflow itself can be undone', 'remove it');
  const own = step.uses === undefined ? undefined : actions.get(step.uses);
  if (compensate === 'undo') {
    if (step.uses === undefined || step.uses === WAIT_ACTION)
      issues.add(at, 'a step that waits has nothing to undo', 'remove it');
    if (own !== undefined && own.undo === undefined)
      issues.add(
        at,
        `${step.uses ?? ''} does not say how to undo it`,
        'name an action: compensate: { uses, with }',
      );
    return;
  }
  const action = knownAction(input, [...at, 'uses'], compensate.uses);
  if (action !== undefined) checkWith(input, [...at, 'with'], at, action, compensate.with);
  if (readsStep(compensate.with, String(path.at(-1))) && own !== undefined && own.check === undefined) {
    issues.add(
      at,
      `it needs the output of ${step.uses ?? ''}, which has no check hook: after a crash nobody could tell`,
      'add a check hook to the action',
    );
  }
}

/** Whether an expression in these inputs reads a step, however it is written; a text that does not parse is refused later. */
function readsStep(given: Readonly<Record<string, Json>>, id: string): boolean {
  return textsIn(given).some((text) => {
    try {
      return parseTemplate(text).expressions.some(({ references }) =>
        references.some(([variable, step, part]) => variable === 'steps' && step === id && part !== 'status'),
      );
    } catch {
      return false;
    }
  });
}

function knownAction({ actions, issues }: CheckInput, path: DocumentPath, uses: string): Action | undefined {
  const action = actions.get(uses);
  if (action === undefined) {
    const hint = uses.startsWith('wait@') ? `known: ${WAIT_ACTION}` : actions.hint(uses);
    issues.add(path, `found the unknown action ${JSON.stringify(uses)}`, hint);
  }
  return action;
}

/** Unknown and missing inputs, and literals of the wrong type. Expressions are checked with their types later. */
function checkWith(
  { issues }: CheckInput,
  path: DocumentPath,
  fallback: DocumentPath,
  action: Action,
  given: Readonly<Record<string, Json>>,
): void {
  const schema = jsonSchemaOf(action.input, 'input');
  const known = Object.keys(schema.properties ?? {});
  const id = `${action.name}@${action.version}`;
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    issues.add(
      [...path, key],
      `found the unknown input ${JSON.stringify(key)} of ${id}`,
      hintFor(key, known),
    );
  }
  for (const key of schema.required ?? []) {
    if (!(key in given))
      issues.add(
        Object.keys(given).length > 0 ? path : fallback,
        `${id} needs the input ${JSON.stringify(key)}`,
        `with: { ${key}: … }`,
      );
  }
  const literals = Object.fromEntries(
    Object.entries(given).filter(([, value]) => textsIn(value).length === 0),
  );
  const parsed = action.input.safeParse(literals);
  if (parsed.success) return;
  for (const { segments, message, hint } of explainSchemaIssues(
    action.input,
    literals,
    parsed.error.issues,
  )) {
    // What is missing or unknown was said above.
    const first = String(segments[0]);
    if (known.includes(first) && Object.hasOwn(literals, first))
      issues.add([...path, ...segments], message, hint);
  }
}
