import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigurationError } from '@lazarus/core';
import { formatIssue } from '@lazarus/core/errors';
import { builtinActions, createActionRegistry, loadShippedWorkflows, loadWorkflow } from '@lazarus/dag';
import type { ActionRegistry, WorkflowDefinition } from '@lazarus/dag';
import type { RunbookTestResult } from '@lazarus/testing/lab';
import { CliFailure } from '../cli-failure.ts';
import { print } from '../context.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { plural } from '../render/amounts.ts';
import { renderTestReport } from '../render/test-report.ts';
import type { TestFormat, TestReport } from '../render/test-report.ts';
import { isTestFile, yamlFiles } from '../validate/yaml-files.ts';

/** Options of {@link test}. */
export interface TestOptions {
  readonly output: TestFormat;
  readonly run?: RegExp;
  readonly bail?: boolean;
  readonly coverage?: boolean;
  /** Least coverage of every workflow, 0 to 1. */
  readonly min?: number;
}

/** What one pass over the files has found. */
interface Findings {
  readonly results: RunbookTestResult[];
  /** Problems of files that are no tests, each with its place. */
  readonly refusals: string[];
  readonly workflows: Map<string, WorkflowDefinition>;
}

/** Runs runbook tests without a node. Results are data: they go to standard output. */
export async function test(
  paths: readonly string[],
  options: TestOptions,
  { terminal }: Context,
): Promise<ExitCode> {
  const files = await yamlFiles(paths, isTestFile);
  if (files.length === 0) {
    throw new CliFailure(EXIT.invalid, `there is no file named *.test.yaml in ${paths.join(', ')}`);
  }
  const findings = await runFiles(files, options, terminal.signal);
  const { results, refusals } = findings;
  if (results.length > 0) {
    const report = await reportOf(findings, options);
    print(terminal, renderTestReport(report, options.output, terminal));
    if (refusals.length === 0) return report.passed ? EXIT.ok : EXIT.failed;
  }
  if (refusals.length > 0) {
    throw new CliFailure(EXIT.invalid, `${plural(refusals.length, 'problem')} in the test files`, refusals);
  }
  throw new CliFailure(
    EXIT.invalid,
    `no test in ${plural(files.length, 'file')} has a name that matches ${String(options.run)}`,
  );
}

async function runFiles(
  files: readonly string[],
  options: TestOptions,
  signal: AbortSignal,
): Promise<Findings> {
  const { runRunbookTests } = await import('@lazarus/testing/lab');
  const findings: Findings = { results: [], refusals: [], workflows: new Map() };
  const actions = createActionRegistry(builtinActions);
  for (const workflow of loadShippedWorkflows(actions)) findings.workflows.set(workflow.name, workflow);
  for (const file of files) {
    signal.throwIfAborted();
    try {
      const text = await readFile(file, 'utf8');
      const results = await runRunbookTests(text, {
        file,
        workflow: (reference) => findWorkflow(reference, file, findings.workflows, actions),
        ...(options.run === undefined ? {} : { only: options.run }),
        ...(options.bail === undefined ? {} : { bail: options.bail }),
      });
      findings.results.push(...results);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      findings.refusals.push(...error.issues.map(formatIssue));
    }
    if (options.bail === true && findings.results.some(({ passed }) => !passed)) break;
  }
  return findings;
}

/** A workflow by its name, or the document beside the tests. */
async function findWorkflow(
  reference: string,
  testFile: string,
  known: Map<string, WorkflowDefinition>,
  actions: ActionRegistry,
): Promise<WorkflowDefinition | undefined> {
  if (!/\.ya?ml$/.test(reference)) return known.get(reference);
  const file = join(dirname(testFile), reference);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const workflow = loadWorkflow(text, { file, actions });
  known.set(workflow.name, workflow);
  return workflow;
}

async function reportOf({ results, workflows }: Findings, options: TestOptions): Promise<TestReport> {
  const arePassed = results.every(({ passed }) => passed);
  if (options.coverage !== true && options.min === undefined) return { passed: arePassed, results };
  const { runbookCoverage } = await import('@lazarus/testing/lab');
  const { min = 0 } = options;
  const coverage = [...new Set(results.map(({ workflow }) => workflow))].flatMap((name) => {
    const workflow = workflows.get(name);
    if (workflow === undefined) return [];
    const covered = runbookCoverage(workflow, results);
    return [{ ...covered, min, isEnough: covered.ratio >= min }];
  });
  return { passed: arePassed && coverage.every(({ isEnough }) => isEnough), results, coverage };
}
