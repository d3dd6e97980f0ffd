import { buildGraph } from '@lazarus/dag';
import type { ActionRegistry, StepDefinition, WorkflowDefinition } from '@lazarus/dag';
import { humanDuration, plural } from './amounts.ts';
import { dotGraph } from './workflow-dot.ts';
import { mermaidGraph } from './workflow-mermaid.ts';
import { conditionsOf, edgesOf, partsOf, undoAction, undoneSteps, workOf } from './workflow-parts.ts';

/** How a workflow can be drawn. */
export type GraphFormat = 'text' | 'mermaid' | 'dot';

/** Most needs of a step that one line names. */
const MAX_NEEDS = 6;

/** A workflow as a graph: waves of steps as text, or a picture for other programs to draw. */
export function renderWorkflowGraph(
  definition: WorkflowDefinition,
  format: GraphFormat,
  actions: ActionRegistry,
): string {
  switch (format) {
    case 'text':
      return textGraph(definition, actions);
    case 'mermaid':
      return mermaidGraph(definition, actions);
    case 'dot':
      return dotGraph(definition, actions);
  }
}

/** Steps that can start together share a number; what undoes a step, the error path and the end have lines of their own. */
function textGraph(definition: WorkflowDefinition, actions: ActionRegistry): string {
  const { steps, timeouts } = definition;
  const parts = partsOf(definition);
  const all = parts.flatMap((part) => part.steps);
  const widths = {
    number: Math.max(3, String(steps.length).length),
    id: widest(all.map(({ id }) => id)),
    work: widest(all.map(workOf)),
  };
  const lines = parts.flatMap(({ id, title, steps: own }) => [
    ...(id === 'steps'
      ? [`${title}: ${plural(steps.length, 'step')}, at most ${humanDuration(timeouts.workflowMs)}`]
      : [`${title}:`]),
    ...waveLines(own, widths),
    ...(id === 'steps' ? undoLines(definition, actions) : []),
  ]);
  return lines.join('\n');
}

interface Widths {
  readonly number: number;
  readonly id: number;
  readonly work: number;
}

function waveLines(steps: readonly StepDefinition[], widths: Widths): readonly string[] {
  const check = buildGraph(steps);
  const waves = check.ok ? check.graph.waves : [steps.map(({ id }) => id)];
  const byId = new Map(steps.map((step) => [step.id, step]));
  return waves.flatMap((wave, index) =>
    wave.flatMap((id, position) => {
      const step = byId.get(id);
      if (step === undefined) return [];
      const number = (position === 0 ? String(index + 1) : '').padStart(widths.number);
      const columns = [number, id.padEnd(widths.id), workOf(step).padEnd(widths.work), notesOf(step)];
      return [columns.join('  ').trimEnd()];
    }),
  );
}

function notesOf(step: StepDefinition): string {
  const needs = edgesOf([step]).map(({ from, label }) => (label === undefined ? from : `${from} (${label})`));
  const more = needs.length - MAX_NEEDS;
  const named = needs.slice(0, MAX_NEEDS).join(', ') + (more > 0 ? ` and ${more} more` : '');
  return [
    ...(needs.length === 0 ? [] : [`after ${named}`]),
    ...conditionsOf(step),
    ...(step.pointOfNoReturn ? ['point of no return'] : []),
  ].join('; ');
}

/** In the order in which an error undoes them, when they ended in the order in which they are written. */
function undoLines(definition: WorkflowDefinition, actions: ActionRegistry): readonly string[] {
  const undone = [...undoneSteps(definition)].reverse();
  if (undone.length === 0) return [];
  return [
    `undone on an error: ${undone.map((step) => `${step.id} by ${undoAction(step, actions)}`).join(', ')}`,
  ];
}

function widest(texts: readonly string[]): number {
  return texts.reduce((width, text) => Math.max(width, text.length), 0);
}
