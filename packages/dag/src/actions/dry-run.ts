import type { Json, RunRequest } from '@lazarus/core/ports';
import type { StepDefinition, WorkflowDefinition } from '../document/workflow-definition.ts';
import { resolveInputs } from '../engine/run-inputs.ts';
import { evaluateDeep, parseTemplate } from '../expression/template.ts';
import { buildGraph } from '../graph/graph.ts';
import type { ActionRegistry } from './action-registry.ts';
import { describeInput } from './action.ts';
import type { Action, DryRun } from './action.ts';

/** What one step would do. */
export interface DryStep extends DryRun {
  readonly step: string;
  readonly uses: string;
  /** 1 for the steps that start at once; equal waves start together. */
  readonly wave: number;
  readonly destructive: boolean;
  /** The condition under which it runs, as it is written. */
  readonly onlyIf?: string;
}

/**
 * What a run would do when everything succeeds, step by step, in the order of the waves. It calls nothing: actions describe
 * themselves from their inputs, and what only an earlier step could tell is shown as `<new_host of clone>`. A step that
 * cannot be described like this shows the names of its inputs and no values. Keeps S13 and S17.
 *
 * @throws WorkflowError `LZ_WORKFLOW_INPUT`.
 */
export function dryRunWorkflow(
  definition: WorkflowDefinition,
  request: RunRequest,
  actions: ActionRegistry,
): readonly DryStep[] {
  const checked = buildGraph(definition.steps);
  const waves = checked.ok ? checked.graph.waves : [definition.steps.map(({ id }) => id)];
  const byId = new Map(definition.steps.map((step) => [step.id, step]));
  const values = dryValues(definition, request);
  return waves.flatMap((ids, index) =>
    ids.flatMap((id): readonly DryStep[] => {
      const step = byId.get(id);
      if (step === undefined) return [];
      const action = actions.get(step.uses);
      return [
        {
          step: id,
          uses: step.uses,
          wave: index + 1,
          destructive: action?.destructive ?? false,
          ...(step.when === undefined ? {} : { onlyIf: step.when }),
          ...dryStep(step, action, values, request),
        },
      ];
    }),
  );
}

function dryStep(
  step: StepDefinition,
  action: Action | undefined,
  values: Readonly<Record<string, unknown>>,
  request: RunRequest,
): DryRun {
  if (step.kind === 'signal')
    return { summary: `waits for the signal ${step.signal ?? step.id}`, changes: {} };
  if (step.kind === 'wait') return { summary: 'waits', changes: { for: step.wait ?? null } };
  if (action === undefined) return describeInput(`calls ${step.uses}`, step.with);
  const written = describeInput(action.summary, step.with);
  try {
    const parsed = action.input.safeParse(evaluateDeep(step.with, values));
    if (!parsed.success || action.dry === undefined) return written;
    return action.dry(parsed.data, { run: request, event: request.event, step: step.id });
  } catch {
    return written;
  }
}

/** Variables of the expressions, with a name in place of everything that only a step could tell. */
function dryValues(definition: WorkflowDefinition, request: RunRequest): Readonly<Record<string, unknown>> {
  return {
    inputs: resolveInputs(definition, request),
    event: { account: null, host: null, incident_key: null, summary: null, ...request.event },
    run: {
      id: request.runId,
      workflow: definition.name,
      rule: request.rule,
      service: request.service,
      host: request.hostId ?? null,
      incident_key: request.incidentKey ?? null,
      notification_group: request.notificationGroup ?? null,
      outcome: 'succeeded',
    },
    steps: placeholders(definition),
  };
}

function placeholders(definition: WorkflowDefinition): Readonly<Record<string, unknown>> {
  const steps: Record<string, { status: string; outputs: Record<string, string> }> = {};
  for (const { id } of definition.steps) steps[id] = { status: 'succeeded', outputs: {} };
  for (const text of definition.steps.flatMap((step) => textsIn(step.with))) {
    for (const { references } of parseTemplate(text).expressions) {
      for (const [variable, step = '', part, output] of references) {
        if (variable !== 'steps' || part !== 'outputs' || output === undefined) continue;
        const known = steps[step];
        if (known !== undefined) known.outputs[output] = `<${output} of ${step}>`;
      }
    }
  }
  return steps;
}

function textsIn(value: Json): readonly string[] {
  if (typeof value === 'string') return value.includes('${{') ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
