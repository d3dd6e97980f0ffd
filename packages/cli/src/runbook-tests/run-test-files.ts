import { readFile } from 'node:fs/promises';
import { ConfigurationError } from '@lazarus/core';
import { formatIssue } from '@lazarus/core/errors';
import type { Action } from '@lazarus/dag';
import type { RunbookTestResult } from '@lazarus/testing/lab';
import type { TestSources } from './test-sources.ts';
import { refusalOf } from './test-sources.ts';
import type { TestTarget } from './test-targets.ts';

/** What one pass over test files has found. */
export interface TestFindings {
  readonly results: readonly RunbookTestResult[];
  /** What is wrong with files that could not be run, each with its place. */
  readonly refusals: readonly string[];
}

/** Options of {@link runTestFiles}. */
export interface RunTestOptions {
  readonly run?: RegExp;
  readonly bail?: boolean;
  readonly seed?: number;
  readonly signal: AbortSignal;
}

/** Runs every test of the files; a file that is invalid does not keep the others from running. */
export async function runTestFiles(
  targets: readonly TestTarget[],
  sources: TestSources,
  options: RunTestOptions & { readonly definitions: readonly Action[] },
): Promise<TestFindings> {
  const results: RunbookTestResult[] = [];
  const refusals: string[] = [];
  for (const target of targets) {
    options.signal.throwIfAborted();
    try {
      results.push(...(await runOne(target, sources, options)));
    } catch (error) {
      refusals.push(
        ...(error instanceof ConfigurationError ? error.issues.map(formatIssue) : refusalOf(error)),
      );
    }
    if (options.bail === true && results.some(({ passed }) => !passed)) break;
  }
  return { results, refusals };
}

async function runOne(
  { file, line }: TestTarget,
  sources: TestSources,
  options: RunTestOptions & { readonly definitions: readonly Action[] },
): Promise<readonly RunbookTestResult[]> {
  const { runRunbookTests } = await import('@lazarus/testing/lab');
  return runRunbookTests(await readFile(file, 'utf8'), {
    file,
    definitions: options.definitions,
    workflow: (reference) => sources.workflow(reference, file),
    workflowNames: () => [...sources.workflows.keys()],
    rules: (references, refuse) => sources.config(references, file, refuse),
    ...(line === undefined ? {} : { line }),
    ...(options.run === undefined ? {} : { only: options.run }),
    ...(options.bail === undefined ? {} : { bail: options.bail }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  });
}
