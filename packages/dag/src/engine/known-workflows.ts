import { WorkflowError } from '@lazarus/core';
import { didYouMean } from '@lazarus/core/documents';
import type { RunRequest } from '@lazarus/core/ports';
import type { WorkflowDefinition } from '../document/workflow-definition.ts';

/** The workflows that an engine can start: several definitions may have one name, one of them is the newest. */
export interface KnownWorkflows {
  /** The newest definition of each name. */
  readonly newest: readonly WorkflowDefinition[];
  /**
   * The definition that a request means: the one with its digest, or the newest of its name when it has none. Keeps S15.
   *
   * @throws WorkflowError `LZ_WORKFLOW_UNKNOWN`, `LZ_WORKFLOW_CHANGED`.
   */
  find(request: Pick<RunRequest, 'workflow' | 'workflowDigest'>): WorkflowDefinition;
}

/** Indexes definitions by name; of the same version the later one counts. Every engine looks workflows up with it. */
export function createKnownWorkflows(definitions: readonly WorkflowDefinition[]): KnownWorkflows {
  const newest = new Map<string, WorkflowDefinition>();
  for (const definition of definitions) {
    const known = newest.get(definition.name);
    if (known === undefined || known.version <= definition.version) newest.set(definition.name, definition);
  }
  return {
    newest: [...newest.values()],
    find: ({ workflow, workflowDigest }) => {
      const found = newest.get(workflow);
      if (found === undefined) throw unknown(workflow, newest.keys());
      if (workflowDigest === undefined || found.digest === workflowDigest) return found;
      const decided = definitions.find(({ name, digest }) => name === workflow && digest === workflowDigest);
      if (decided === undefined) throw changed(found, workflowDigest);
      return decided;
    },
  };
}

function unknown(name: string, names: Iterable<string>): WorkflowError {
  const hint = didYouMean(name, names);
  return new WorkflowError({
    code: 'LZ_WORKFLOW_UNKNOWN',
    message: `no workflow is called ${JSON.stringify(name)}${hint === undefined ? '' : ` (${hint})`}`,
  });
}

function changed(found: WorkflowDefinition, wanted: string): WorkflowError {
  return new WorkflowError({
    code: 'LZ_WORKFLOW_CHANGED',
    message:
      `workflow ${found.name} was edited after the decision: decided was ${wanted.slice(0, 12)}, ` +
      `known here is ${found.digest.slice(0, 12)} (version ${found.version})`,
  });
}
