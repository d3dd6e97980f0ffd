import { ConfigurationError } from '@lazarus/core';
import { formatIssue } from '@lazarus/core/errors';
import { builtinActions, createActionRegistry, loadShippedWorkflows, loadWorkflow } from '@lazarus/dag';
import type { ActionRegistry, WorkflowDefinition } from '@lazarus/dag';
import { CliFailure } from '../cli-failure.ts';
import { print } from '../context.ts';
import type { Context } from '../context.ts';
import { readText } from '../emit/read-document.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { loadPlugins } from '../plugins/load-plugins.ts';
import { renderWorkflowGraph } from '../render/workflow.ts';
import type { GraphFormat } from '../render/workflow.ts';

/** Draws a workflow: a document, or one that comes with Lazarus, by its name. */
export async function workflowGraph(
  file: string,
  options: { readonly output: GraphFormat; readonly plugins: readonly string[] },
  { terminal }: Context,
): Promise<ExitCode> {
  const plugins = await loadPlugins(options.plugins);
  const actions = createActionRegistry([...builtinActions, ...plugins.actions]);
  print(terminal, renderWorkflowGraph(await read(file, actions), options.output, actions));
  return EXIT.ok;
}

async function read(file: string, actions: ActionRegistry): Promise<WorkflowDefinition> {
  const shipped = loadShippedWorkflows(actions).find(({ name }) => name === file);
  if (shipped !== undefined) return shipped;
  const text = await readText(file);
  try {
    return loadWorkflow(text, { file, actions });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new CliFailure(EXIT.invalid, `${file} was refused`, error.issues.map(formatIssue));
  }
}
