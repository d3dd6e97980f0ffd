import { createConfigDirectory } from '@lazarus/cli/documents';
import { BUILT_IN_PRECONDITIONS, describeError } from '@lazarus/core';
import { compileConfig } from '@lazarus/core/config';
import type { CatalogOptions, CompiledSnapshot, SnapshotSummary } from '@lazarus/core/config';
import type { ConfigDocument, ConfigSource, Logger } from '@lazarus/core/ports';
import { builtinActions, createActionRegistry, loadShippedWorkflows, loadWorkflow } from '@lazarus/dag';
import type { ActionRegistry, WorkflowDefinition } from '@lazarus/dag';
import { ADAPTER_EVENT_TYPES } from '@lazarus/sensors-http';
import type { BreakerSettings } from './shared-state.ts';

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

/**
 * Loads again; on any error the last good configuration stays in force, and the log says what to correct. Thresholds of the
 * breaker belong to the windows that were made at the start: a decision would name a configuration whose bound nobody
 * applies, so a change of them is refused. Keeps S7 and S15.
 *
 * @param breaker - Thresholds that this process started with.
 */
export async function reloadConfiguration(
  source: ConfigSource,
  actions: ActionRegistry,
  log: Logger,
  breaker: BreakerSettings,
): Promise<Configuration | undefined> {
  const refuse = (error: string): void =>
    log.error('the new configuration was refused; the last good one stays in force', { error });
  try {
    const next = await loadConfiguration(source, actions);
    const changes = changedThresholds(breaker, next.snapshot.settings.breaker);
    if (changes.length === 0) return next;
    refuse(
      `settings.yaml changes the thresholds of the breaker (${changes.join(', ')}), which are applied from the start on: restart the node to take the change, or undo it`,
    );
  } catch (error) {
    refuse(describeError(error));
  }
  return undefined;
}

function changedThresholds(old: BreakerSettings, next: BreakerSettings): readonly string[] {
  const keys = [...new Set([...Object.keys(old), ...Object.keys(next)])] as (keyof BreakerSettings)[];
  return keys
    .filter((key) => old[key] !== next[key])
    .map((key) => `${key} ${old[key] ?? 'unset'} to ${next[key] ?? 'unset'}`);
}
