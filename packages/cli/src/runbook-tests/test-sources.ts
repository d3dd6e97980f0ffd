import { access, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigurationError } from '@lazarus/core';
import { didYouMean } from '@lazarus/core/documents';
import { builtinActions, createActionRegistry, loadShippedWorkflows, loadWorkflow } from '@lazarus/dag';
import type { ActionRegistry, WorkflowDefinition } from '@lazarus/dag';
import type { LabConfig } from '@lazarus/testing/lab';
import { CliFailure } from '../cli-failure.ts';
import type { Plugins } from '../plugins/load-plugins.ts';
import { findDocuments } from '../validate/find-documents.ts';
import { isTestFile } from '../validate/yaml-files.ts';

/** Finds what test files refer to, and remembers who used which file. */
export interface TestSources {
  /** Every workflow that a test could have run, by name. */
  readonly workflows: ReadonlyMap<string, WorkflowDefinition>;
  /** Rules of the documents under test, by name; those of built-in profiles are somebody else's to test. */
  readonly rules: ReadonlySet<string>;
  /** A workflow by its name, or the document beside the tests. */
  workflow(reference: string, testFile: string): Promise<WorkflowDefinition | undefined>;
  /**
   * Documents beside the tests, compiled.
   *
   * @param refuse - Makes the error for a reference that names nothing.
   * @throws ConfigurationError, CliFailure.
   */
  config(references: readonly string[], testFile: string, refuse: Refuse): Promise<LabConfig>;
  /** Absolute paths of files and folders that a test file uses, itself included. */
  usedBy(testFile: string): ReadonlySet<string>;
}

type Refuse = (index: number, message: string) => Error;

/** Creates {@link TestSources}; a configuration that several files test is compiled once. */
export function createTestSources(plugins: Plugins): TestSources {
  const actions = createActionRegistry([...builtinActions, ...plugins.actions]);
  const workflows = new Map(loadShippedWorkflows(actions).map((workflow) => [workflow.name, workflow]));
  const rules = new Set<string>();
  const compiled = new Map<string, Promise<CompiledRules>>();
  const used = new Map<string, Set<string>>();
  const use = (testFile: string, ...paths: readonly string[]): void => {
    const known = used.get(resolve(testFile)) ?? new Set([resolve(testFile)]);
    used.set(resolve(testFile), known);
    for (const path of paths) known.add(resolve(path));
  };
  return {
    workflows,
    rules,
    usedBy: (testFile) => used.get(resolve(testFile)) ?? new Set([resolve(testFile)]),
    workflow: async (reference, testFile) => {
      use(testFile);
      if (!/\.ya?ml$/.test(reference)) return workflows.get(reference);
      const file = join(dirname(testFile), reference);
      use(testFile, file);
      const workflow = await readWorkflow(file, actions);
      if (workflow !== undefined) workflows.set(workflow.name, workflow);
      return workflow;
    },
    config: async (references, testFile, refuse) => {
      use(testFile);
      const found = references.map((each, index) =>
        expand(each, dirname(testFile), (message) => refuse(index, message)),
      );
      const paths = (await Promise.all(found)).flat();
      use(testFile, ...paths);
      const key = paths.map((path) => resolve(path)).join('\n');
      const compiling = compiled.get(key) ?? compile(paths, plugins);
      compiled.set(key, compiling);
      const { config, own } = await compiling;
      for (const workflow of config.workflows) workflows.set(workflow.name, workflow);
      for (const rule of own) rules.add(rule);
      return config;
    },
  };
}

async function readWorkflow(file: string, actions: ActionRegistry): Promise<WorkflowDefinition | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : loadWorkflow(text, { file, actions });
}

interface CompiledRules {
  readonly config: LabConfig;
  readonly own: readonly string[];
}

async function compile(paths: readonly string[], plugins: Plugins): Promise<CompiledRules> {
  const [{ compileLabConfig }, { ADAPTER_EVENT_TYPES }, { documents, unknown }] = await Promise.all([
    import('@lazarus/testing/lab'),
    import('@lazarus/sensors-http'),
    findDocuments(paths),
  ]);
  if (unknown.length > 0) {
    throw new ConfigurationError({
      summary: 'the rules under test were refused',
      issues: unknown.map((file) => ({
        file,
        path: '',
        message: 'is no rule, profile, service, workflow or settings document',
      })),
    });
  }
  const eventTypes = [...ADAPTER_EVENT_TYPES, ...plugins.eventTypes];
  const config = compileLabConfig(documents, { ...plugins, eventTypes });
  const written = documents.flatMap(({ kind, text }) =>
    kind === 'profile' ? [/^profile:\s*(\S+)/m.exec(text)?.[1]] : [],
  );
  const { profiles, rules } = config.snapshot.summary;
  const builtIn = profiles.filter((profile) => !written.includes(profile));
  return { config, own: rules.filter((rule) => !builtIn.some((profile) => rule.startsWith(`${profile}.`))) };
}

/** `*` in the last part of a path stands for any name. */
async function expand(
  reference: string,
  folder: string,
  refuse: (message: string) => Error,
): Promise<readonly string[]> {
  const path = join(folder, reference);
  const names = (await readdir(dirname(path)).catch(() => [])).filter((name) => !isTestFile(name));
  const [first = '', ...rest] = basename(path).split('*');
  if (rest.length === 0) {
    if (await exists(path)) return [path];
    const near = didYouMean(basename(path), names);
    throw refuse(
      `names ${reference}, and there is no such file or folder beside this one${near === undefined ? '' : ` (${near})`}`,
    );
  }
  const parts = [first, ...rest].map((part) => part.replaceAll(/[\\^$.+?()[\]{}|]/g, String.raw`\$&`));
  const pattern = new RegExp(`^${parts.join('.*')}$`, 'u');
  const found = names.filter((name) => pattern.test(name)).sort();
  if (found.length === 0) throw refuse(`names ${reference}, and no file beside this one is called so`);
  return found.map((name) => join(dirname(path), name));
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** What a person has to correct, one line each; anything else is thrown again. */
export function refusalOf(error: unknown): readonly string[] {
  if (error instanceof CliFailure) return [error.message, ...error.lines];
  throw error;
}
