import type { DocumentPath } from '@lazarus/core/documents';
import type { ActionRegistry } from '../actions/action-registry.ts';
import type { IssueList } from './issue-list.ts';
import type { Need } from './workflow-definition.ts';
import type { StepDocument, WorkflowDocument } from './workflow-schema.ts';

/** Part of a workflow that has steps of its own. */
export type Phase = 'steps' | 'on_error' | 'finally';

/** The steps of one part. */
export interface StepGroup {
  readonly phase: Phase;
  readonly path: DocumentPath;
  readonly steps: Readonly<Record<string, StepDocument>>;
}

/** What every check is given. */
export interface CheckInput {
  readonly document: WorkflowDocument;
  readonly groups: readonly StepGroup[];
  readonly actions: ActionRegistry;
  readonly issues: IssueList;
}

/** Every group of steps of a document. */
export function groupsOf(document: WorkflowDocument): readonly StepGroup[] {
  return [
    { phase: 'steps', path: ['steps'], steps: document.steps },
    { phase: 'on_error', path: ['on_error', 'steps'], steps: document.on_error?.steps ?? {} },
    { phase: 'finally', path: ['finally'], steps: document.finally ?? {} },
  ];
}

/** The needs of a step in their long form; a plain name waits for success. */
export function needsOf(step: StepDocument): readonly Need[] {
  return (step.needs ?? []).map((need) =>
    typeof need === 'string' ? { step: need, on: ['succeeded'] } : need,
  );
}
