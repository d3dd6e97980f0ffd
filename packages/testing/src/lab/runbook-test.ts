/**
 * Runbook tests written in YAML, next to the rules and workflows that they test. The runner here knows no command line and
 * no file system: `lazarus test` reads the files and prints what it gets.
 */
import { ConfigurationError } from '@lazarus/core';
import { didYouMean, documentIssue, parseYamlDocument, validateDocument } from '@lazarus/core/documents';
import type { ParsedDocument } from '@lazarus/core/documents';
import type { Action, WorkflowDefinition } from '@lazarus/dag';
import { plainDifference, runDifferences, stepsOf } from './expectations.ts';
import { actionsWith } from './lab-config.ts';
import type { LabConfig } from './lab-config.ts';
import { DEFAULT_NODES } from './lab-setting.ts';
import type { Mocks } from './mock-actions.ts';
import { runRegionTest } from './region-test.ts';
import { runRunbook } from './run-runbook.ts';
import type { RunbookOptions } from './run-runbook.ts';
import { RegionTestSchema, WorkflowTestSchema } from './runbook-test-schema.ts';
import type { RunbookTest } from './runbook-test-schema.ts';
import { unknownInRegionTest, unknownInWorkflowTest } from './test-names.ts';
import type { UnknownName } from './test-names.ts';
import type { TestOutcome } from './test-outcome.ts';
import { traceDiff } from './trace-diff.ts';
import type { Difference } from './trace-diff.ts';

/** One expectation that did not hold, at its place in the file. */
export interface RunbookTestFailure {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `tests[0].then.outcome` */
  readonly path: string;
  readonly expected: string;
  readonly actual: string;
}

/** How one test went. */
export interface RunbookTestResult extends Omit<TestOutcome, 'differences'> {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** The workflow that the file names, or the rules. */
  readonly subject: string;
  readonly passed: boolean;
  readonly failures: readonly RunbookTestFailure[];
  /** The trace against the expectations: lines with `-` are missing, lines with `+` should not be there. */
  readonly diff: readonly string[];
}

/** Options of {@link runRunbookTests}. */
export interface RunbookTestOptions {
  readonly file: string;
  /** Finds the workflow that the file names; `undefined` when there is none. */
  readonly workflow: (
    reference: string,
  ) => WorkflowDefinition | undefined | Promise<WorkflowDefinition | undefined>;
  /** Names that a file may use for a workflow, for a hint when it uses another one. */
  readonly workflowNames?: () => readonly string[];
  /**
   * Compiles the documents that the file names; without it, files that test rules are refused. `refuse` makes the error
   * for a name that is not there, with its place in the file.
   */
  readonly rules?: (
    references: readonly string[],
    refuse: (index: number, message: string) => ConfigurationError,
  ) => Promise<LabConfig>;
  /** Actions beside the built-in ones. */
  readonly definitions?: readonly Action[];
  /** Runs only tests whose name matches. */
  readonly only?: RegExp;
  /** Runs only the test that stands at this line of the file. */
  readonly line?: number;
  /** Ends after the first test that fails. */
  readonly bail?: boolean;
  /** @defaultValue 1, or what a test says */
  readonly seed?: number;
}

/** The test that begins last at or before a line; -1 for a line before all of them. */
function testAt(line: number, document: ParsedDocument, count: number): number {
  const begins = Array.from({ length: count }, (_, index) => document.locate(['tests', index])?.line ?? 1);
  return begins.findLastIndex((begin) => begin <= line);
}

interface PreparedTest {
  readonly name: string;
  run(): Promise<TestOutcome>;
}

/**
 * Runs every test of one file.
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID` when the file is malformed, or names a workflow, a rule, a precheck or a
 * node that is not there.
 */
export async function runRunbookTests(
  text: string,
  options: RunbookTestOptions,
): Promise<readonly RunbookTestResult[]> {
  const document = parseYamlDocument(text, { file: options.file });
  const { subject, tests } = await prepare(document, options);
  const wanted = options.line === undefined ? undefined : testAt(options.line, document, tests.length);
  const results: RunbookTestResult[] = [];
  for (const [index, test] of tests.entries()) {
    if (options.only?.test(test.name) === false) continue;
    if (wanted !== undefined && wanted !== index) continue;
    const result = await runOne(test, { subject, index, document, options });
    results.push(result);
    if (options.bail === true && !result.passed) break;
  }
  return results;
}

async function prepare(
  document: ParsedDocument,
  options: RunbookTestOptions,
): Promise<{ readonly subject: string; readonly tests: readonly PreparedTest[] }> {
  if (kindOf(document, options.file) === 'rules') return prepareRegion(document, options);
  const suite = validateDocument(WorkflowTestSchema, document);
  const workflow = await options.workflow(suite.workflow);
  if (workflow === undefined) {
    const hint = didYouMean(suite.workflow, options.workflowNames?.() ?? []);
    const near = hint === undefined ? '' : ` (${hint})`;
    const message = `names the workflow ${suite.workflow}, which is neither shipped nor a file beside this one${near}`;
    throw refused(document, options.file, [{ at: ['workflow'], message }]);
  }
  const actions = actionsWith(options.definitions).list();
  assertKnown(
    document,
    options.file,
    suite.tests.map((test) => unknownInWorkflowTest(test, workflow, actions)),
  );
  const tests = suite.tests.map((test) => ({
    name: test.name,
    run: () => runWorkflowTest(workflow, test, options),
  }));
  return { subject: workflow.name, tests };
}

async function prepareRegion(document: ParsedDocument, options: RunbookTestOptions) {
  const { file } = options;
  const suite = validateDocument(RegionTestSchema, document);
  if (options.rules === undefined)
    throw refused(document, file, [{ at: ['rules'], message: 'tests rules, which cannot be loaded here' }]);
  const config = await options.rules(suite.rules, (index, message) =>
    refused(document, file, [{ at: ['rules', index], message }]),
  );
  const context = {
    config,
    ...(suite.nodes === undefined ? {} : { nodes: suite.nodes }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  };
  const nodes = (suite.nodes ?? DEFAULT_NODES).map(({ id }) => id);
  assertKnown(
    document,
    file,
    suite.tests.map((test) => unknownInRegionTest(test, config, nodes)),
  );
  const tests = suite.tests.map((test) => ({ name: test.name, run: () => runRegionTest(test, context) }));
  return { subject: suite.rules.join(', '), tests };
}

/** What a file tests: what its first key says, so that what is wrong is said about that kind of file. */
function kindOf(document: ParsedDocument, file: string): 'rules' | 'workflow' {
  const { value } = document;
  const keys = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
  if (keys.includes('rules')) return 'rules';
  if (keys.includes('workflow')) return 'workflow';
  const hint = keys.flatMap((key) => didYouMean(key, ['rules', 'workflow']) ?? [])[0];
  const message = `names neither "rules" nor the "workflow" that it tests${hint === undefined ? '' : ` (${hint})`}`;
  throw refused(document, file, [{ at: [], message }]);
}

function assertKnown(
  document: ParsedDocument,
  file: string,
  unknown: readonly (readonly UnknownName[])[],
): void {
  const problems = unknown.flatMap((own, index) =>
    own.map(({ at, message }) => ({ at: ['tests', index, ...at], message })),
  );
  if (problems.length > 0) throw refused(document, file, problems);
}

function refused(
  document: ParsedDocument,
  file: string,
  problems: readonly UnknownName[],
): ConfigurationError {
  return new ConfigurationError({
    summary: `${file} was refused`,
    issues: problems.map(({ at, message }) => documentIssue(document, at, message)),
  });
}

async function runOne(
  test: PreparedTest,
  place: {
    readonly subject: string;
    readonly index: number;
    readonly document: ParsedDocument;
    readonly options: RunbookTestOptions;
  },
): Promise<RunbookTestResult> {
  const { subject, index, document, options } = place;
  const { file } = options;
  const path = ['tests', index];
  const about = { name: test.name, file, line: document.locate(path)?.line ?? 1, subject };
  const failureAt = ({ at, expected, actual }: Difference): RunbookTestFailure => {
    const issue = documentIssue(document, [...path, ...at], '');
    const { line = 1, column = 1 } = issue;
    return { file, line, column, path: issue.path, expected, actual };
  };
  try {
    const { differences, ...seen } = await test.run();
    return {
      ...about,
      ...seen,
      passed: differences.length === 0,
      failures: differences.map((difference) => failureAt({ ...difference, at: ['then', ...difference.at] })),
      diff: traceDiff(seen.trace, differences),
    };
  } catch (error) {
    const actual = error instanceof Error ? error.message : String(error);
    const failures = [failureAt({ at: [], expected: 'a run that starts and ends', actual })];
    const nothing = { trace: [], diff: [], tookMs: 0, runs: [], rules: [], seed: options.seed ?? 1 };
    return { ...about, ...nothing, passed: false, failures };
  }
}

async function runWorkflowTest(
  workflow: WorkflowDefinition,
  test: RunbookTest,
  options: RunbookTestOptions,
): Promise<TestOutcome> {
  const { seed = 1 } = options;
  const result = await runRunbook(workflow, { ...runOptions(test, options), seed });
  const { run, trace, tookMs } = result;
  const { then } = test;
  const differences = [
    ...plainDifference('outcome', then.outcome, run.status),
    ...plainDifference('page', then.page, run.page),
    ...runDifferences(then, result),
  ];
  return {
    seed,
    differences,
    trace,
    tookMs,
    runs: [{ workflow: workflow.name, steps: stepsOf(run) }],
    rules: [],
  };
}

function runOptions({ given }: RunbookTest, { definitions }: RunbookTestOptions): RunbookOptions {
  const { unmocked, event, inputs, actions, signals } = given;
  return {
    unmocked,
    event,
    inputs,
    actions: actions as Mocks,
    signals: signals.map(({ at, name, payload }) => ({
      atMs: at,
      name,
      ...(payload === undefined ? {} : { payload }),
    })),
    ...(definitions === undefined ? {} : { definitions }),
  };
}
