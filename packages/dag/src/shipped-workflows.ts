import { readdirSync, readFileSync } from 'node:fs';
import type { ActionRegistry } from './actions/action-registry.ts';
import { loadWorkflow } from './document/load-workflow.ts';
import type { WorkflowDefinition } from './document/workflow-definition.ts';

// From the sources as from the build, the folder is a sibling of the one that this file is in.
const FOLDER = new URL('../workflows/', import.meta.url);

/**
 * Loads the workflows that come with this package (`default.replace_host` and others).
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID` when `actions` lacks one that they call.
 */
export function loadShippedWorkflows(actions: ActionRegistry): readonly WorkflowDefinition[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) =>
      loadWorkflow(readFileSync(new URL(name, FOLDER), 'utf8'), { file: `workflows/${name}`, actions }),
    );
}
