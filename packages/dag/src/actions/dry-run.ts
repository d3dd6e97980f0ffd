import type { RunRequest } from '@lazarus/core/ports';
import type { StepDefinition, WorkflowDefinition } from '../document/workflow-definition.ts';
import { resolveInputs } from '../engine/run-inputs.ts';
import { evaluateDeep, parseTemplate, textsIn } from '../expression/template.ts';
import { buildGraph } from '../graph/graph.ts';
import type { ActionRegistry } from './action-registry.ts';
import { describeInput } from './action.ts';
import type { Action } from './action.ts';
import { askDryRun } from './dry-answer.ts';
import type { DryAnswer } from './dry-answer.ts';

/** What one step would do. */
export interface DryStep extends DryAnswer {
  readonly step: string;
  readonly uses: string;
  /** 1 for the steps that start at once; equal waves start together. Steps of `finally` come last. */
  readonly wave: number;
  /** It is one of the steps that run whatever happens. */
  readonly section?: 'finally';
  readonly destructive: boolean;
  /** The condition under which it runs, as it is written. */
  readonly onlyIf?: string;
}

/**
 * What a run would do when everything succeeds, step by step, in the order of the waves. It calls nothing: actions describe
 * themselves from their inputs, and what only an earlier step could tell is shown as `<new_host of clone>`. A step that
 * cannot be described like this shows the names of its inputs and no values, and the problem when its action is at fault.
 * Keeps S13 and S17.
 *
 * @param mayAsk - Whether there is time left to ask one more action. @defaultValue always
 * @throws WorkflowError `LZ_WORKFLOW_INPUT`.
 */
export function dryRunWorkflow(
  definition: WorkflowDefinition,
  request: RunRequest,
  actions: ActionRegistry,
  mayAsk: () => boolean = () => true,
): readonly DryStep[] {
  const waves = wavesOf(definition.steps);
  const values = dryValues(definition, request);
  const describe = (step: StepDefinition, wave: number): DryStep => {
    const action = actions.get(step.uses);
    return {
      step: step.id,
      uses: step.uses,
      wave,
      destructive: action?.destructive ?? false,
      ...(step.when === undefined ? {} : { onlyIf: step.when }),
      ...dryStep(step, action, { values, request, mayAsk }),
    };
  };
  return [
    ...waves.flatMap((steps, index) => steps.map((step) => describe(step, index + 1))),
    ...wavesOf(definition.finally).flatMap((steps, index) =>
      steps.map((step) => ({ ...describe(step, waves.length + index + 1), section: 'finally' as const })),
    ),
  ];
}

function wavesOf(steps: readonly StepDefinition[]): readonly (readonly StepDefinition[])[] {
  const checked = buildGraph(steps);
  if (!checked.ok) return [steps];
  const byId = new Map(steps.map((step) => [step.id, step]));
  return checked.graph.waves.map((ids) => ids.flatMap((id) => byId.get(id) ?? []));
}

function dryStep(
  step: StepDefinition,
  action: Action | undefined,
  about: {
    readonly values: Readonly<Record<string, unknown>>;
    readonly request: RunRequest;
    readonly mayAsk: () => boolean;
  },
): DryAnswer {
  if (step.kind === 'signal')
    return { summary: `waits for the signal ${step.signal ?? step.id}`, changes: {} };
  if (step.kind === 'wait') return { summary: 'waits', changes: { for: step.wait ?? null } };
  if (action === undefined) return describeInput(`calls ${step.uses}`, step.with);
  const written = describeInput(action.summary, step.with);
  if (!about.mayAsk())
    return { ...written, problem: 'it was not asked: the dry runs before it took too long' };
  const { request } = about;
  const context = { run: request, event: request.event, step: step.id };
  return askDryRun(action, () => evaluateDeep(step.with, about.values), context, written);
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
  for (const text of [...definition.steps, ...definition.finally].flatMap((step) => textsIn(step.with))) {
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
