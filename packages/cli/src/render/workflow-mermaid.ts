import type { ActionRegistry, StepDefinition, WorkflowDefinition } from '@lazarus/dag';
import { conditionsOf, edgesOf, partsOf, undoAction, undoneSteps, workOf } from './workflow-parts.ts';
import type { WorkflowPart } from './workflow-parts.ts';

/**
 * The workflow as a Mermaid flowchart. Every id has a prefix, because `end`, `class` and others are words of the language;
 * everything that somebody wrote is escaped.
 *
 * @remarks Source: Mermaid flowchart syntax.
 */
export function mermaidGraph(definition: WorkflowDefinition, actions: ActionRegistry): string {
  const parts = partsOf(definition);
  return [
    'flowchart TD',
    ...parts.flatMap((part) => partLines(part, definition, actions)),
    ...linksBetween(parts),
  ].join('\n');
}

function partLines(
  part: WorkflowPart,
  definition: WorkflowDefinition,
  actions: ActionRegistry,
): readonly string[] {
  const node = (step: string): string => `${part.id}_${step}`;
  const undone = part.id === 'steps' ? undoneSteps(definition) : [];
  return [
    `  subgraph part_${part.id} [${quoted(part.title)}]`,
    ...part.steps.map((step) => `    ${node(step.id)}${shapeOf(step)}`),
    ...edgesOf(part.steps).map(({ from, to, label }) =>
      label === undefined
        ? `    ${node(from)} --> ${node(to)}`
        : `    ${node(from)} -. ${quoted(label)} .-> ${node(to)}`,
    ),
    ...undone.flatMap((step) => [
      `    undo_${step.id}[[${quoted(`undo: ${undoAction(step, actions)}`)}]]`,
      `    ${node(step.id)} -.- undo_${step.id}`,
    ]),
    '  end',
  ];
}

/** A hexagon is a point of no return, a round one waits, a slanted one waits for somebody. */
function shapeOf(step: StepDefinition): string {
  const label = [step.id, workOf(step), ...conditionsOf(step)].map(escaped).join('<br/>');
  if (step.pointOfNoReturn) return `{{"${label}"}}`;
  if (step.kind === 'wait') return `(["${label}"])`;
  return step.kind === 'signal' ? `[/"${label}"/]` : `["${label}"]`;
}

function linksBetween(parts: readonly WorkflowPart[]): readonly string[] {
  const has = (id: string): boolean => parts.some((part) => part.id === id);
  return [
    ...(has('on_error') ? ['  part_steps -. "error" .-> part_on_error'] : []),
    ...(has('finally') ? ['  part_steps --> part_finally'] : []),
    ...(has('on_error') && has('finally') ? ['  part_on_error --> part_finally'] : []),
  ];
}

const quoted = (text: string): string => `"${escaped(text)}"`;

/** Mermaid has entities of its own: `#34;` is a quotation mark. Letters, digits and a little punctuation stay. */
function escaped(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} _.,:@()?!=+*/-]/gu, (found) => `#${found.codePointAt(0) ?? 63};`);
}
