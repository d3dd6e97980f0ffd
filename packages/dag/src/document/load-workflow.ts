/**
 * From YAML to a definition.
 *
 * Stages: parse (bounded, with positions) → shape (zod) → graph (needs, cycles) → actions (names, inputs) → expressions
 * (references, types) → defaults. Every stage reports all of its issues with `file:line:column`; a later stage runs only
 * when the earlier ones found nothing, because its messages would be noise.
 */
import { ConfigurationError } from '@lazarus/core';
import type { Issue } from '@lazarus/core';
import { checkDocument, parseYamlDocument } from '@lazarus/core/documents';
import type { ActionRegistry } from '../actions/action-registry.ts';
import { checkActions } from './check-actions.ts';
import { checkExpressions } from './check-expressions.ts';
import { checkGraphs } from './check-graph.ts';
import { IssueList } from './issue-list.ts';
import { lintWorkflow } from './lint-workflow.ts';
import { resolveWorkflow } from './resolve-workflow.ts';
import { groupsOf } from './step-group.ts';
import type { WorkflowDefinition } from './workflow-definition.ts';
import { WorkflowDocumentSchema } from './workflow-schema.ts';

/** Options of {@link loadWorkflow}. */
export interface LoadWorkflowOptions {
  /** Name for messages. */
  readonly file: string;
  readonly actions: ActionRegistry;
  /** Called with each thing that is valid and probably not meant, in the order of the text. */
  onWarning?(warning: Issue): void;
}

/**
 * Reads one workflow document and refuses what could only fail later: cycles, unknown actions and steps, missing or
 * mistyped inputs, references to steps that do not come before.
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID` with every issue of the first stage that found one.
 * @example
 * ```ts
 * const actions = createActionRegistry(builtinActions);
 * const definition = loadWorkflow(text, { file: 'workflows/restart.yaml', actions });
 * ```
 */
export function loadWorkflow(text: string, options: LoadWorkflowOptions): WorkflowDefinition {
  const parsed = parseYamlDocument(text, { file: options.file });
  const checked = checkDocument(WorkflowDocumentSchema, parsed);
  if (!checked.ok) throw refusal(options.file, checked.issues);
  const document = checked.value;
  const groups = groupsOf(document);
  const issues = new IssueList(parsed);
  for (const check of [checkGraphs, checkActions, checkExpressions]) {
    check({ document, groups, actions: options.actions, issues });
    if (issues.all.length > 0) throw refusal(options.file, issues.all);
  }
  const definition = resolveWorkflow(document);
  const warnings = new IssueList(parsed);
  lintWorkflow(definition, options.actions, warnings);
  for (const warning of warnings.all) options.onWarning?.(warning);
  return definition;
}

function refusal(file: string, issues: ConfigurationError['issues']): ConfigurationError {
  return new ConfigurationError({ summary: `workflow ${file} was refused`, issues });
}
