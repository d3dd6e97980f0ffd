import { BUILT_IN_PRECONDITIONS, ConfigurationError } from '@lazarus/core';
import { compileConfig, lintConfig } from '@lazarus/core/config';
import { formatIssue } from '@lazarus/core/errors';
import type { Issue } from '@lazarus/core';
import type { CatalogOptions, CompiledSnapshot, Finding, KnownWorkflow } from '@lazarus/core/config';
import { parseYamlDocument } from '@lazarus/core/documents';
import type { ConfigDocument } from '@lazarus/core/ports';
import { builtinActions, createActionRegistry, loadShippedWorkflows, loadWorkflow } from '@lazarus/dag';
import type { ActionRegistry } from '@lazarus/dag';
import { ADAPTER_EVENT_TYPES } from '@lazarus/sensors-http';
import { CliFailure } from '../cli-failure.ts';
import { EXIT } from '../exit-code.ts';
import { NO_PLUGINS } from '../plugins/load-plugins.ts';
import type { Plugins } from '../plugins/load-plugins.ts';

/** What the documents are worth. */
export interface Validation {
  readonly findings: readonly Finding[];
  /** The digest of the configuration, when it can be used. */
  readonly digest: string | undefined;
}

/**
 * Checks documents as a node would that loads them: workflows first, then rules, profiles, services and settings against
 * them and against the built-in checks, and what is valid and still probably not meant. Everything is reported at once.
 */
export function checkDocuments(
  documents: readonly ConfigDocument[],
  plugins: Plugins = NO_PLUGINS,
): Validation {
  const { options, refused, doubtful } = readCatalog(documents, plugins);
  const findings = [...refused.map(invalid), ...doubtful.map(warning), ...lintConfig(documents, options)];
  // The digest names a configuration that can be loaded; whether it is also safe is what the findings say.
  const digest = refused.length > 0 ? undefined : collect([], () => compileConfig(documents, options).digest);
  return { findings, digest };
}

/**
 * Compiles documents into a snapshot.
 *
 * @throws CliFailure with exit code 2 and every issue.
 */
export function compileDocuments(
  documents: readonly ConfigDocument[],
  name: string,
  plugins: Plugins,
): CompiledSnapshot {
  const { options, refused } = readCatalog(documents, plugins);
  const issues = [...refused];
  const snapshot = collect(issues, () => compileConfig(documents, options));
  if (snapshot !== undefined && issues.length === 0) return snapshot;
  throw new CliFailure(EXIT.invalid, `${name} was refused`, issues.map(formatIssue));
}

/** What rules can refer to: the workflows of the documents, those that come with Lazarus, and the built-in checks. */
function readCatalog(
  documents: readonly ConfigDocument[],
  plugins: Plugins,
): {
  readonly options: CatalogOptions;
  readonly refused: readonly Issue[];
  /** What is valid in the workflows, and probably not meant. */
  readonly doubtful: readonly Issue[];
} {
  const doubtful: Issue[] = [];
  const actions = createActionRegistry([...builtinActions, ...plugins.actions]);
  const refused: Issue[] = [];
  const own = documents
    .filter(({ kind }) => kind === 'workflow')
    .map((document) => knownWorkflow(document, actions, refused, doubtful));
  const names = new Set(own.map((workflow) => workflow?.name));
  const shipped = loadShippedWorkflows(actions)
    .filter(({ name }) => !names.has(name))
    .map(known);
  const workflows = [...shipped, ...own.filter((workflow) => workflow !== undefined)];
  return {
    options: {
      preconditions: [...BUILT_IN_PRECONDITIONS, ...plugins.preconditions],
      eventTypes: [...ADAPTER_EVENT_TYPES, ...plugins.eventTypes],
      plugins: plugins.identities,
      workflows,
    },
    refused,
    doubtful,
  };
}

function invalid(issue: Issue): Finding {
  return { code: 'invalid', severity: 'error', issue };
}

function warning(issue: Issue): Finding {
  return { code: 'doubtful_workflow', severity: 'warning', issue };
}

function known(definition: {
  readonly name: string;
  readonly digest: string;
  readonly inputs: object;
}): KnownWorkflow {
  return { name: definition.name, digest: definition.digest, inputs: Object.keys(definition.inputs) };
}

/** The workflow, or only its name when it is refused: rules that name it are not wrong because of that. */
function knownWorkflow(
  document: ConfigDocument,
  actions: ActionRegistry,
  issues: Issue[],
  warnings: Issue[],
): KnownWorkflow | undefined {
  const { text, path } = document;
  const definition = collect(issues, () =>
    loadWorkflow(text, { file: path, actions, onWarning: (issue) => warnings.push(issue) }),
  );
  if (definition !== undefined) return known(definition);
  const value = collect([], () => parseYamlDocument(text, { file: path }).value);
  const name = (value as { metadata?: { name?: unknown } } | null | undefined)?.metadata?.name;
  return typeof name === 'string' ? { name, digest: 'refused' } : undefined;
}

/** What `work` returns; the issues of a refusal are collected instead. */
function collect<T>(issues: Issue[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    issues.push(...(error.issues.length > 0 ? error.issues : [{ path: '', message: error.message }]));
    return undefined;
  }
}
