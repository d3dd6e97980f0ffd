import type { ActionRegistry, StepDefinition, WorkflowDefinition } from '@lazarus/dag';
import { formatDuration } from '@lazarus/core/documents';
import { oneLine } from './paint.ts';

/** A part of a workflow as it is drawn. */
export interface WorkflowPart {
  /** `steps`, `on_error` or `finally`. */
  readonly id: string;
  readonly title: string;
  readonly steps: readonly StepDefinition[];
}

/** An edge between two steps of one part. */
export interface StepEdge {
  readonly from: string;
  readonly to: string;
  /** The ends that it waits for, when they are others than success. */
  readonly label?: string;
}

/** Longest text of an expression in a drawing. */
const MAX_TEXT = 80;

/** The parts that have steps, in the order in which they run. */
export function partsOf(definition: WorkflowDefinition): readonly WorkflowPart[] {
  const { name, version, onError } = definition;
  const undo = undoneSteps(definition).length > 0 ? 'on error, after undoing in reverse order' : 'on error';
  const parts = [
    { id: 'steps', title: `${name} version ${version}`, steps: definition.steps },
    { id: 'on_error', title: undo, steps: onError.steps },
    { id: 'finally', title: 'finally', steps: definition.finally },
  ];
  return parts.filter(({ steps }) => steps.length > 0);
}

/** The steps that an error undoes. */
export function undoneSteps({ steps, onError }: WorkflowDefinition): readonly StepDefinition[] {
  return onError.compensate === 'none' ? [] : steps.filter(({ compensate }) => compensate !== undefined);
}

/** The action that undoes a step. */
export function undoAction({ uses, compensate }: StepDefinition, actions: ActionRegistry): string {
  if (typeof compensate === 'object') return compensate.uses;
  return actions.get(uses)?.undo?.uses ?? 'its own undo';
}

/** What a step does, in a few words. */
export function workOf(step: StepDefinition): string {
  if (step.kind === 'signal') return `signal ${step.signal ?? step.id}`;
  if (step.kind === 'wait') return `wait ${duration(step.wait ?? 0)}`;
  return step.uses;
}

/** When it runs and when it is done, apart from its needs. */
export function conditionsOf({ when, poll }: StepDefinition): readonly string[] {
  return [
    ...(when === undefined ? [] : [`when ${shortText(bare(when))}`]),
    ...(poll === undefined
      ? []
      : [`every ${formatDuration(poll.everyMs)} until ${shortText(bare(poll.until))}`]),
  ];
}

/** The edges of one part, in declared order. */
export function edgesOf(steps: readonly StepDefinition[]): readonly StepEdge[] {
  return steps.flatMap((step) =>
    step.needs.map((need) => ({
      from: need.step,
      to: step.id,
      ...(isPlain(need.on) ? {} : { label: need.on.join(' or ') }),
    })),
  );
}

function isPlain(on: readonly string[]): boolean {
  return on.every((end) => end === 'succeeded');
}

function duration(value: number | string): string {
  return typeof value === 'number' ? formatDuration(value) : shortText(bare(value));
}

/** An expression without its marks. */
function bare(text: string): string {
  return text.replace(/^\$\{\{\s*/, '').replace(/\s*\}\}$/, '');
}

function shortText(text: string): string {
  const line = oneLine(text);
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT - 1)}…` : line;
}
