import type { ActionRegistry, StepDefinition, WorkflowDefinition } from '@lazarus/dag';
import { conditionsOf, edgesOf, partsOf, undoAction, undoneSteps, workOf } from './workflow-parts.ts';
import type { WorkflowPart } from './workflow-parts.ts';

/**
 * The workflow in the DOT language, a cluster for each part.
 *
 * @remarks Source: the DOT language of Graphviz.
 */
export function dotGraph(definition: WorkflowDefinition, actions: ActionRegistry): string {
  const parts = partsOf(definition);
  return [
    `digraph ${quoted(definition.name)} {`,
    '  compound=true;',
    '  node [shape=box];',
    ...parts.flatMap((part) => partLines(part, definition, actions)),
    ...linksBetween(parts),
    '}',
  ].join('\n');
}

function partLines(
  part: WorkflowPart,
  definition: WorkflowDefinition,
  actions: ActionRegistry,
): readonly string[] {
  const node = (step: string): string => quoted(`${part.id}.${step}`);
  const undone = part.id === 'steps' ? undoneSteps(definition) : [];
  return [
    `  subgraph ${quoted(`cluster_${part.id}`)} {`,
    `    label=${quoted(part.title)};`,
    ...part.steps.map((step) => `    ${node(step.id)} [label=${labelOf(step)}${shapeOf(step)}];`),
    ...edgesOf(part.steps).map(({ from, to, label }) => {
      const style = label === undefined ? '' : ` [label=${quoted(label)}, style=dashed]`;
      return `    ${node(from)} -> ${node(to)}${style};`;
    }),
    ...undone.flatMap((step) => [
      `    ${quoted(`undo.${step.id}`)} [label=${quoted(`undo: ${undoAction(step, actions)}`)}, style=dashed];`,
      `    ${node(step.id)} -> ${quoted(`undo.${step.id}`)} [style=dotted, dir=none];`,
    ]),
    '  }',
  ];
}

function labelOf(step: StepDefinition): string {
  return `"${[step.id, workOf(step), ...conditionsOf(step)].map(escaped).join('\\n')}"`;
}

function shapeOf({ pointOfNoReturn, kind }: StepDefinition): string {
  if (pointOfNoReturn) return ', shape=hexagon';
  return kind === 'action' ? '' : ', style=rounded';
}

/** Edges end at a step; `ltail` and `lhead` cut them at the border of the cluster. */
function linksBetween(parts: readonly WorkflowPart[]): readonly string[] {
  const link = (from: string, to: string, label: string): readonly string[] => {
    const first = (id: string): string | undefined => parts.find((part) => part.id === id)?.steps[0]?.id;
    const [tail, head] = [first(from), first(to)];
    if (tail === undefined || head === undefined) return [];
    const ends = `ltail=${quoted(`cluster_${from}`)}, lhead=${quoted(`cluster_${to}`)}${label}`;
    return [`  ${quoted(`${from}.${tail}`)} -> ${quoted(`${to}.${head}`)} [${ends}];`];
  };
  return [
    ...link('steps', 'on_error', ', label="error", style=dashed'),
    ...link('steps', 'finally', ''),
    ...link('on_error', 'finally', ''),
  ];
}

const quoted = (text: string): string => `"${escaped(text)}"`;

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
}
