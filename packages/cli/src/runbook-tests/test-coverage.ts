import type { RunbookTestResult } from '@lazarus/testing/lab';
import type { TestCoverage, TestReport } from '../render/test-report.ts';
import type { TestSources } from './test-sources.ts';

/** The report of a pass, with the coverage of every workflow that ran and every rule under test when it is asked for. */
export async function reportOf(
  results: readonly RunbookTestResult[],
  sources: TestSources,
  options: { readonly coverage?: boolean; readonly min?: number; readonly plugins: readonly string[] },
): Promise<TestReport> {
  const { plugins } = options;
  const isPassed = results.every(({ passed }) => passed);
  const about = plugins.length === 0 ? {} : { plugins };
  if (options.coverage !== true && options.min === undefined) return { passed: isPassed, results, ...about };
  const coverage = await coverageOf(results, sources, options.min ?? 0);
  return { passed: isPassed && coverage.every(({ isEnough }) => isEnough), results, coverage, ...about };
}

async function coverageOf(
  results: readonly RunbookTestResult[],
  sources: TestSources,
  min: number,
): Promise<readonly TestCoverage[]> {
  const { ruleCoverage, runbookCoverage } = await import('@lazarus/testing/lab');
  const matched = results.flatMap(({ rules }) =>
    rules.flatMap(({ rule, matched: isMatched }) => (isMatched ? [rule] : [])),
  );
  const ran = new Set(results.flatMap(({ runs }) => runs.map(({ workflow }) => workflow)));
  const workflows = [...ran].flatMap((name) => sources.workflows.get(name) ?? []);
  return [
    ...ruleCoverage([...new Set([...sources.rules, ...matched])].sort(), results),
    ...workflows.map((workflow) => runbookCoverage(workflow, results)),
  ].map((covered) => ({ ...covered, min, isEnough: covered.ratio >= min }));
}
