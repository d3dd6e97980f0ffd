/**
 * Runbook tests written in YAML, next to the workflows that they test. The runner here knows no command line and no file
 * system: `lazarus test` reads the files and prints what it gets.
 */
import { ConfigurationError } from '@lazarus/core';
import { documentIssue, parseYamlDocument, validateDocument } from '@lazarus/core/documents';
import type { DocumentPath, ParsedDocument } from '@lazarus/core/documents';
import type { Action, WorkflowDefinition } from '@lazarus/dag';
import type { Mocks } from './mock-actions.ts';
import { runRunbook } from './run-runbook.ts';
import type { RunbookOptions, RunbookResult } from './run-runbook.ts';
import { RunbookTestSchema } from './runbook-test-schema.ts';
import type { RunbookExpectation, RunbookTest } from './runbook-test-schema.ts';
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
export interface RunbookTestResult {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly workflow: string;
  readonly passed: boolean;
  readonly failures: readonly RunbookTestFailure[];
  /** What happened, one line per call and per end of a step. */
  readonly trace: readonly string[];
  /** The trace against the expectations: lines with `-` are missing, lines with `+` should not be there. */
  readonly diff: readonly string[];
  /** Time of the lab, milliseconds. */
  readonly tookMs: number;
  /** How each step ended, for coverage. */
  readonly steps: Readonly<Record<string, string>>;
}

/** Options of {@link runRunbookTests}. */
export interface RunbookTestOptions {
  readonly file: string;
  /** Finds the workflow that the file names; `undefined` when there is none. */
  readonly workflow: (
    reference: string,
  ) => WorkflowDefinition | undefined | Promise<WorkflowDefinition | undefined>;
  /** Actions beside the built-in ones. */
  readonly definitions?: readonly Action[];
  /** Runs only tests whose name matches. */
  readonly only?: RegExp;
  /** Ends after the first test that fails. */
  readonly bail?: boolean;
  readonly seed?: number;
}

/**
 * Runs every test of one file.
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID` when the file is malformed, or names a workflow that is not there.
 */
export async function runRunbookTests(
  text: string,
  options: RunbookTestOptions,
): Promise<readonly RunbookTestResult[]> {
  const document = parseYamlDocument(text, { file: options.file });
  const suite = validateDocument(RunbookTestSchema, document);
  const workflow = await options.workflow(suite.workflow);
  if (workflow === undefined) {
    const message = `names the workflow ${suite.workflow}, which is neither shipped nor a file beside this one`;
    throw new ConfigurationError({
      summary: `${options.file} was refused`,
      issues: [documentIssue(document, ['workflow'], message)],
    });
  }
  const results: RunbookTestResult[] = [];
  for (const [index, test] of suite.tests.entries()) {
    if (options.only !== undefined && !options.only.test(test.name)) continue;
    const result = await runOne(workflow, test, ['tests', index], document, options);
    results.push(result);
    if (options.bail === true && !result.passed) break;
  }
  return results;
}

async function runOne(
  workflow: WorkflowDefinition,
  test: RunbookTest,
  path: DocumentPath,
  document: ParsedDocument,
  options: RunbookTestOptions,
): Promise<RunbookTestResult> {
  const about = {
    name: test.name,
    file: options.file,
    line: document.locate(path)?.line ?? 1,
    workflow: workflow.name,
  };
  const failureAt = ({ at, expected, actual }: Difference): RunbookTestFailure => {
    const issue = documentIssue(document, [...path, ...at], '');
    const { line = 1, column = 1 } = issue;
    return { file: options.file, line, column, path: issue.path, expected, actual };
  };
  try {
    const result = await runRunbook(workflow, runOptions(test, options));
    const found = differences(test.then, result);
    return {
      ...about,
      passed: found.length === 0,
      failures: found.map((difference) => failureAt({ ...difference, at: ['then', ...difference.at] })),
      trace: result.trace,
      diff: traceDiff(result.trace, found),
      tookMs: result.tookMs,
      steps: Object.fromEntries(result.run.steps.map(({ step, status }) => [step, status])),
    };
  } catch (error) {
    const actual = error instanceof Error ? error.message : String(error);
    const failures = [failureAt({ at: [], expected: 'a run that starts and ends', actual })];
    return { ...about, passed: false, failures, trace: [], diff: [], tookMs: 0, steps: {} };
  }
}

function runOptions({ given }: RunbookTest, { definitions, seed }: RunbookTestOptions): RunbookOptions {
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
    ...(seed === undefined ? {} : { seed }),
  };
}

/** Every expectation that does not hold. */
function differences(then: RunbookExpectation, result: RunbookResult): readonly Difference[] {
  const { run } = result;
  const plain = (key: 'outcome' | 'page', actual: string | undefined): readonly Difference[] =>
    then[key] === undefined || then[key] === actual
      ? []
      : [{ at: [key], expected: then[key], actual: actual ?? 'none' }];
  const counted = Object.entries(then.calls ?? {}).flatMap(([name, count]) => {
    const calls = result.callsOf(name).length;
    return calls === count
      ? []
      : [
          {
            at: ['calls', name],
            expected: `${count} calls of ${name}`,
            actual: String(calls),
            about: { kind: 'calls' as const, name, allowed: count },
          },
        ];
  });
  const forbidden = (then.never ?? []).flatMap((name, index) => {
    const [call] = result.callsOf(name);
    return call === undefined
      ? []
      : [
          {
            at: ['never', index],
            expected: `no call of ${name}`,
            actual: `step ${call.step} called it at ${call.atMs} ms`,
            about: { kind: 'calls' as const, name, allowed: 0 },
          },
        ];
  });
  return [
    ...plain('outcome', run.status),
    ...plain('page', run.page),
    ...counted,
    ...forbidden,
    ...orderDifference(then.order ?? [], result),
    ...recordDifferences(
      'steps',
      then.steps ?? {},
      Object.fromEntries(run.steps.map(({ step, status }) => [step, status])),
    ),
    ...recordDifferences('error', then.error ?? {}, { ...run.error }),
    ...recordDifferences('outputs', then.outputs ?? {}, run.outputs),
    ...(then.within === undefined || result.tookMs <= then.within
      ? []
      : [{ at: ['within'], expected: `at most ${then.within} ms`, actual: `${result.tookMs} ms` }]),
  ];
}

function recordDifferences(
  key: string,
  expected: Readonly<Record<string, unknown>>,
  actual: Readonly<Record<string, unknown>>,
): readonly Difference[] {
  const text = (value: unknown): string =>
    typeof value === 'string' ? value : value === undefined ? 'none' : JSON.stringify(value);
  return Object.entries(expected).flatMap(([name, value]) =>
    value === undefined || text(value) === text(actual[name])
      ? []
      : [
          {
            at: [key, name],
            expected: text(value),
            actual: text(actual[name]),
            ...(key === 'steps' ? { about: { kind: 'end' as const, step: name } } : {}),
          },
        ],
  );
}

function orderDifference(order: readonly string[], { calls }: RunbookResult): readonly Difference[] {
  const actual = [...new Set(calls.map(({ step }) => step))].filter((step) => order.includes(step));
  return actual.join() === order.join()
    ? []
    : [{ at: ['order'], expected: order.join(', '), actual: actual.join(', ') }];
}

/** How much of a workflow tests went through. */
export interface RunbookCoverage {
  readonly workflow: string;
  /** Ways a step can end that no test took: `clone failed`. */
  readonly missing: readonly string[];
  /** 0 to 1: of all steps, those that succeeded in a test and those that failed in one. */
  readonly ratio: number;
}

/** Coverage of one workflow: every step should succeed in one test and fail in another one. */
export function runbookCoverage(
  workflow: WorkflowDefinition,
  results: readonly RunbookTestResult[],
): RunbookCoverage {
  const own = results.filter((result) => result.workflow === workflow.name);
  const ended = (step: string, good: boolean): boolean =>
    own.some(({ steps }) => {
      const status = steps[step];
      return good
        ? status === 'succeeded' || status === 'compensated'
        : status === 'failed' || status === 'unknown';
    });
  const wanted = workflow.steps.flatMap(({ id }) => [
    { text: `${id} succeeded`, isThere: ended(id, true) },
    { text: `${id} failed`, isThere: ended(id, false) },
  ]);
  const missing = wanted.filter(({ isThere }) => !isThere).map(({ text }) => text);
  return {
    workflow: workflow.name,
    missing,
    ratio: wanted.length === 0 ? 1 : 1 - missing.length / wanted.length,
  };
}
