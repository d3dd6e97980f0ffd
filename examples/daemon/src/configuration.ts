import { createConfigDirectory } from '@lazarus/cli/documents';
import { loadPlugins } from '@lazarus/cli/plugins';
import type { Plugins } from '@lazarus/cli/plugins';
import { BUILT_IN_PRECONDITIONS, describeError } from '@lazarus/core';
import { compileConfig } from '@lazarus/core/config';
import type { CatalogOptions, CompiledSnapshot, SnapshotSummary } from '@lazarus/core/config';
import type { ConfigDocument, ConfigSource, Logger } from '@lazarus/core/ports';
import { builtinActions, createActionRegistry, loadShippedWorkflows, loadWorkflow } from '@lazarus/dag';
import type { ActionRegistry, WorkflowDefinition } from '@lazarus/dag';
import { ADAPTER_EVENT_TYPES } from '@lazarus/sensors-http';
import type { Settings } from './settings.ts';
import type { BreakerSettings } from './shared-state.ts';

/** A configuration that was accepted as a whole. */
export interface Configuration {
  /** As everybody would have it; what is in force says how far its edits are. */
  readonly snapshot: CompiledSnapshot;
  readonly documents: readonly ConfigDocument[];
  readonly catalog: CatalogOptions;
  readonly workflows: readonly WorkflowDefinition[];
}

/** What documents can refer to by name: what comes with Lazarus, and what plugins add. */
export interface Extensions {
  readonly plugins: Plugins;
  readonly actions: ActionRegistry;
}

/** Loads the plugins of the settings. @throws ConfigurationError `LZ_DEFINITION_INVALID` with everything that is wrong. */
export async function loadExtensions({
  plugins: { modules, from },
}: Pick<Settings, 'plugins'>): Promise<Extensions> {
  const plugins = await loadPlugins(modules, from);
  return { plugins, actions: createActionRegistry([...builtinActions, ...plugins.actions]) };
}

/**
 * Reads and compiles everything, or nothing: the shipped workflows, then those of the operator, then rules and services
 * against them. Keeps S15.
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID` with every issue, PortError `LZ_CONFIG_UNREADABLE`.
 */
export async function loadConfiguration(
  source: ConfigSource,
  { plugins, actions }: Extensions,
): Promise<Configuration> {
  const documents = await source.load();
  const own = documents
    .filter(({ kind }) => kind === 'workflow')
    .map(({ path, text }) => loadWorkflow(text, { file: path, actions }));
  const names = new Set(own.map(({ name }) => name));
  const shipped = loadShippedWorkflows(actions).filter(({ name }) => !names.has(name));
  const workflows = [...shipped, ...own];
  const catalog = {
    preconditions: [...BUILT_IN_PRECONDITIONS, ...plugins.preconditions],
    eventTypes: [...ADAPTER_EVENT_TYPES, ...plugins.eventTypes],
    plugins: plugins.identities,
    workflows: workflows.map(({ name, digest, inputs }) => ({ name, digest, inputs: Object.keys(inputs) })),
  };
  return { snapshot: compileConfig(documents, catalog), documents, catalog, workflows };
}

/** Reads and compiles what settings name, and says what is in it. @throws as {@link loadConfiguration} does. */
export async function checkConfiguration(
  settings: Pick<Settings, 'config_dir' | 'plugins'>,
): Promise<SnapshotSummary> {
  const extensions = await loadExtensions(settings);
  return (await loadConfiguration(createConfigDirectory(settings.config_dir), extensions)).snapshot.summary;
}

/**
 * Loads again; on any error the last good configuration stays in force, and the log says what to correct. The thresholds of
 * the breaker hold from the next event on. Its two durations are part of what was counted and stored since the start, and
 * nobody could apply others: a change of them is refused. Keeps S7 and S15.
 *
 * @param breaker - The breaker that this process started with.
 */
export async function reloadConfiguration(
  source: ConfigSource,
  extensions: Extensions,
  log: Logger,
  breaker: BreakerSettings,
): Promise<Configuration | undefined> {
  const refuse = (error: string): void =>
    log.error('the new configuration was refused; the last good one stays in force', { error });
  const changed = await extensions.plugins.changed();
  if (changed.length > 0)
    log.warn('the code of plugins was changed; what was loaded at the start goes on until a restart', {
      plugins: changed,
    });
  try {
    const next = await loadConfiguration(source, extensions);
    const changes = changedDurations(breaker, next.snapshot.settings.breaker);
    if (changes.length === 0) return next;
    refuse(
      `settings.yaml changes durations of the breaker (${changes.join(', ')}), which hold from the start on: restart the node to take the change, or undo it`,
    );
  } catch (error) {
    refuse(describeError(error));
  }
  return undefined;
}

/** What a reload cannot change: counts of another window do not exist, and what is stored is kept for as long as these say. */
const DURATIONS = ['window', 'min_open'] as const;

function changedDurations(old: BreakerSettings, next: BreakerSettings): readonly string[] {
  return DURATIONS.filter((key) => old[key] !== next[key]).map(
    (key) => `${key} ${old[key] / 1_000} s to ${next[key] / 1_000} s`,
  );
}
