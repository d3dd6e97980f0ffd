import { buildGraph } from '@lazarus/dag';
import type { StepDefinition, WorkflowDefinition } from '@lazarus/dag';
import { humanDuration, plural } from './amounts.ts';

/** How a workflow can be drawn. */
export type GraphFormat = 'text' | 'mermaid' | 'dot';

/** A workflow as a graph: waves of steps as text, or a picture for other programs to draw. */
export function renderWorkflowGraph(definition: WorkflowDefinition, format: GraphFormat): string {
  switch (format) {
    case 'text':
      return textGraph(definition);
    case 'mermaid':
      return mermaidGraph(definition);
    case 'dot':
      return dotGraph(definition);
  }
}

/** Steps that can start together share a number. */
function textGraph(definition: WorkflowDefinition): string {
  const { name, version, steps, timeouts, onError } = definition;
  const check = buildGraph(steps);
  const waves = check.ok ? check.graph.waves : [];
  const byId = new Map(steps.map((step) => [step.id, step]));
  const widest = Math.max(...steps.map(({ id }) => id.length));
  const usesWidth = Math.max(...steps.map(({ uses }) => uses.length));
  const rows = waves.flatMap((wave, index) =>
    wave.flatMap((id, position) => {
      const step = byId.get(id);
      if (step === undefined) return [];
      const number = position === 0 ? String(index + 1).padStart(3) : '   ';
      return [`${number}  ${id.padEnd(widest)}  ${step.uses.padEnd(usesWidth)}  ${notesOf(step)}`.trimEnd()];
    }),
  );
  const cleanup = onError.compensate === 'none' ? [] : ['undo completed steps in reverse'];
  return [
    `${name} version ${version}: ${plural(steps.length, 'step')}, at most ${humanDuration(timeouts.workflowMs)}`,
    ...rows,
    `on error: ${[...new Set([...cleanup, ...onError.steps.map(({ id }) => id), 'escalate'])].join(', ')}`,
    ...(definition.finally.length === 0
      ? []
      : [`finally: ${definition.finally.map(({ id }) => id).join(', ')}`]),
  ].join('\n');
}

function notesOf(step: StepDefinition): string {
  const needs = step.needs.map(needText);
  return [
    ...(needs.length === 0 ? [] : [`after ${needs.join(', ')}`]),
    ...(step.when === undefined ? [] : [`when ${step.when}`]),
    ...(step.compensate === undefined ? [] : ['can be undone']),
    ...(step.pointOfNoReturn ? ['point of no return'] : []),
  ].join('; ');
}

function needText({ step, on }: StepDefinition['needs'][number]): string {
  return isPlain(on) ? step : `${step} (${on.join(' or ')})`;
}

function isPlain(on: readonly string[]): boolean {
  return on.length === 1 && on[0] === 'succeeded';
}

function edgesOf(
  steps: readonly StepDefinition[],
): readonly { from: string; to: string; label: string | undefined }[] {
  return steps.flatMap((step) =>
    step.needs.map((need) => ({
      from: need.step,
      to: step.id,
      label: isPlain(need.on) ? undefined : need.on.join(' or '),
    })),
  );
}

/** @remarks Source: Mermaid flowchart syntax. */
function mermaidGraph({ steps }: WorkflowDefinition): string {
  const nodes = steps.map(
    ({ id, uses, pointOfNoReturn }) =>
      `  ${id}${pointOfNoReturn ? `{{"${id}<br/>${uses}"}}` : `["${id}<br/>${uses}"]`}`,
  );
  const edges = edgesOf(steps).map(
    ({ from, to, label }) => `  ${from} -->${label === undefined ? '' : `|${label}|`} ${to}`,
  );
  return ['flowchart TD', ...nodes, ...edges].join('\n');
}

/** @remarks Source: the DOT language of Graphviz. */
function dotGraph({ name, steps }: WorkflowDefinition): string {
  const quote = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  const nodes = steps.map(
    ({ id, uses, pointOfNoReturn }) =>
      `  ${quote(id)} [label="${id}\\n${uses}"${pointOfNoReturn ? ', shape=hexagon' : ''}];`,
  );
  const edges = edgesOf(steps).map(
    ({ from, to, label }) =>
      `  ${quote(from)} -> ${quote(to)}${label === undefined ? '' : ` [label=${quote(label)}]`};`,
  );
  return [`digraph ${quote(name)} {`, '  node [shape=box];', ...nodes, ...edges, '}'].join('\n');
}
