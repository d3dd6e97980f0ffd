import type { ActionRegistry } from '../actions/action-registry.ts';
import { checkMakeBeforeBreak } from '../graph/make-before-break.ts';
import type { IssueList } from './issue-list.ts';
import type { StepDefinition, WorkflowDefinition } from './workflow-definition.ts';

const RESOLVE = 'pager.resolve@';

/** Adds what is valid and probably not meant. */
export function lintWorkflow(
  definition: WorkflowDefinition,
  actions: ActionRegistry,
  warnings: IssueList,
): void {
  for (const { step, message } of checkMakeBeforeBreak(definition))
    warnings.add(['steps', step], message, 'let it need the step that verifies the replacement');
  lintPage(definition, actions, warnings);
}

/**
 * The page is acknowledged before a run begins. A workflow that repairs something and never resolves the page wakes a
 * person after every success.
 */
function lintPage(definition: WorkflowDefinition, actions: ActionRegistry, warnings: IssueList): void {
  const repairs = definition.steps.some((step) => changes(step, actions));
  if (!repairs || definition.steps.some(resolvesAfterSuccess)) return;
  const conditional = definition.steps.find((step) => step.uses.startsWith(RESOLVE));
  const hint = 'add a last step that uses pager.resolve@1';
  if (conditional === undefined)
    warnings.add(
      ['steps'],
      'no step resolves the page: a person is woken although the repair succeeded',
      hint,
    );
  else
    warnings.add(
      ['steps', conditional.id],
      'the page is not resolved after every success: this step may be skipped',
      hint,
    );
}

/** Whether a step repairs something; what is not destructive and touches no host at most tells people. */
function changes({ kind, uses }: StepDefinition, actions: ActionRegistry): boolean {
  const action = kind === 'action' ? actions.get(uses) : undefined;
  return action !== undefined && (action.destructive || action.touches !== 'nothing');
}

function resolvesAfterSuccess({ uses, when, needs }: StepDefinition): boolean {
  return uses.startsWith(RESOLVE) && when === undefined && needs.every(({ on }) => on.includes('succeeded'));
}
