import { createConfigDirectory } from '@lazarus/cli/documents';
import { BUILT_IN_PRECONDITIONS, describeError } from '@lazarus/core';
import { compileConfig } from '@lazarus/core/config';
import type { CatalogOptions, CompiledSnapshot, SnapshotSummary } from '@lazarus/core/config';
import type { ConfigDocument, ConfigSource, Logger } from '@lazarus/core/ports';
import { builtinActions, createActionRegistry, loadShippedWorkflows, loadWorkflow } from '@lazarus/dag';
import type { ActionRegistry, WorkflowDefinition } from '@lazarus/dag';
import { ADAPTER_EVENT_TYPES } from '@lazarus/sensors-http';

/** A configuration that was accepted as a whole. */
export interface Configuration {
  /** As everybody would have it; what is in force says how far its edits are. */
  readonly snapshot: CompiledSnapshot;
  readonly documents: readonly ConfigDocument[];
  readonly catalog: CatalogOptions;
  readonly workflows: readonly WorkflowDefinition[];
}

/**
 * Reads and compiles everything, or nothing: the shipped workflows, then those of the operator, then rules and services
 * against them. Keeps S15.
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID` with every issue, PortError `LZ_CONFIG_UNREADABLE`.
 */
export async function loadConfiguration(
  source: ConfigSource,
  actions: ActionRegistry,
): Promise<Configuration> {
  const documents = await source.load();
  const own = documents
    .filter(({ kind }) => kind === 'workflow')
    .map(({ path, text }) => loadWorkflow(text, { file: path, actions }));
  const names = new Set(own.map(({ name }) => name));
  const shipped = loadShippedWorkflows(actions).filter(({ name }) => !names.has(name));
  const workflows = [...shipped, ...own];
  const catalog = {
    preconditions: BUILT_IN_PRECONDITIONS,
    eventTypes: ADAPTER_EVENT_TYPES,
    workflows: workflows.map(({ name, digest, inputs }) => ({ name, digest, inputs: Object.keys(inputs) })),
  };
  return { snapshot: compileConfig(documents, catalog), documents, catalog, workflows };
}

/** Reads and compiles a directory, and says what is in it. @throws as {@link loadConfiguration} does. */
export async function checkConfiguration(directory: string): Promise<SnapshotSummary> {
  const actions = createActionRegistry(builtinActions);
  return (await loadConfiguration(createConfigDirectory(directory), actions)).snapshot.summary;
}

/** Loads again; on any error the last good configuration stays in force, and the log says what to correct. */
export async function reloadConfiguration(
  source: ConfigSource,
  actions: ActionRegistry,
  log: Logger,
): Promise<Configuration | undefined> {
  try {
    return await loadConfiguration(source, actions);
  } catch (error) {
    log.error('the new configuration was refused; the last good one stays in force', {
      error: describeError(error),
    });
    return undefined;
  }
}
