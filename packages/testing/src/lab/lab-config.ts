import { BUILT_IN_PRECONDITIONS } from '@lazarus/core';
import type { EventType, Precondition } from '@lazarus/core';
import { compileConfig, createEventTypes } from '@lazarus/core/config';
import type { CompiledSnapshot, EventTypes, KnownPlugin } from '@lazarus/core/config';
import type { ConfigDocument, DryRuns } from '@lazarus/core/ports';
import {
  builtinActions,
  createActionRegistry,
  createDryRuns,
  loadShippedWorkflows,
  loadWorkflow,
} from '@lazarus/dag';
import type { Action, ActionRegistry, WorkflowDefinition } from '@lazarus/dag';

/** What plugins add to the built-in actions, preconditions and event types. */
export interface LabPlugins {
  readonly actions?: readonly Action[];
  readonly preconditions?: readonly Precondition[];
  readonly eventTypes?: readonly EventType[];
  /** Their names and versions are part of the config digest. */
  readonly plugins?: readonly KnownPlugin[];
}

/** Documents as texts, by kind: one text for each document. */
export interface LabDocuments {
  readonly rules?: string | readonly string[];
  readonly profiles?: string | readonly string[];
  readonly services?: string | readonly string[];
  readonly workflows?: string | readonly string[];
  readonly settings?: string;
}

/** A configuration as a node loads it, compiled once for any number of labs. */
export interface LabConfig {
  readonly snapshot: CompiledSnapshot;
  readonly workflows: readonly WorkflowDefinition[];
  readonly actions: readonly Action[];
  readonly preconditions: readonly Precondition[];
  readonly eventTypes: EventTypes;
}

const registries = new WeakMap<readonly Action[], ActionRegistry>();
const dryRuns = new WeakMap<LabConfig, DryRuns>();
const shipped = new WeakMap<ActionRegistry, readonly WorkflowDefinition[]>();
const NO_ACTIONS: readonly Action[] = [];

/** The built-in actions together with these; made once for the same list. */
export function actionsWith(own: readonly Action[] = NO_ACTIONS): ActionRegistry {
  const known = registries.get(own);
  if (known !== undefined) return known;
  const registry = createActionRegistry([...builtinActions, ...own]);
  registries.set(own, registry);
  return registry;
}

/** Tells what runs of a configuration would do; made once for it. */
export function dryRunsOf(config: LabConfig): DryRuns {
  const known = dryRuns.get(config) ?? makeDryRuns(config);
  dryRuns.set(config, known);
  return known;
}

function makeDryRuns({ actions, workflows, snapshot }: LabConfig): DryRuns {
  return createDryRuns({
    actions: createActionRegistry(actions),
    workflows: () => workflows,
    snapshot: () => snapshot,
    // In virtual time nothing takes too long; what hangs is ended by the one who asks.
    clock: { monotonic: () => 0 },
  });
}

/** The workflows that come with Lazarus, loaded once for the same actions. */
export function shippedWith(actions: ActionRegistry): readonly WorkflowDefinition[] {
  const known = shipped.get(actions) ?? loadShippedWorkflows(actions);
  shipped.set(actions, known);
  return known;
}

/**
 * Compiles documents as a node does that loads them together: workflows first, then rules, profiles, services and settings
 * against them.
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID` with every issue.
 */
export function compileLabConfig(documents: readonly ConfigDocument[], plugins: LabPlugins = {}): LabConfig {
  const actions = actionsWith(plugins.actions);
  const own = documents
    .filter(({ kind }) => kind === 'workflow')
    .map(({ path, text }) => loadWorkflow(text, { file: path, actions }));
  const names = new Set(own.map(({ name }) => name));
  const workflows = [...shippedWith(actions).filter(({ name }) => !names.has(name)), ...own];
  const preconditions = [...BUILT_IN_PRECONDITIONS, ...(plugins.preconditions ?? [])];
  const snapshot = compileConfig(documents, {
    preconditions,
    eventTypes: plugins.eventTypes ?? [],
    plugins: plugins.plugins ?? [],
    workflows: workflows.map(({ name, digest, inputs }) => ({ name, digest, inputs: Object.keys(inputs) })),
  });
  const eventTypes = createEventTypes(plugins.eventTypes);
  return { snapshot, workflows, actions: actions.list(), preconditions, eventTypes };
}

/** Texts as the documents of a configuration. */
export function labDocuments(texts: LabDocuments): readonly ConfigDocument[] {
  const { rules = [], profiles = [], services = [], workflows = [], settings = [] } = texts;
  const kinds = { rule: rules, profile: profiles, service: services, workflow: workflows, settings };
  return Object.entries(kinds).flatMap(([kind, given]) =>
    [given].flat().map((text, index) => ({
      kind: kind as ConfigDocument['kind'],
      path: kind === 'settings' ? 'settings.yaml' : `${kind}-${index + 1}.yaml`,
      text,
    })),
  );
}
