import type { WorkflowDefinition } from '@lazarus/dag';
import type { LabCoverage } from './lab-coverage.ts';
import type { RunbookTestResult } from './runbook-test.ts';

/** How much of a workflow, or of a rule, tests went through. */
export interface RunbookCoverage {
  /** `workflow default.replace_host`, `rule web_down` */
  readonly subject: string;
  /** Ways that no test took: `clone failed`, `PeerCheck blocked`. */
  readonly missing: readonly string[];
  /** 0 to 1. */
  readonly ratio: number;
}

type Ways = readonly { readonly text: string; readonly isThere: boolean }[];

/**
 * Coverage of one workflow: every step should succeed in one test and fail in another one, be skipped when it has a
 * condition, and be undone when it has a compensation.
 */
export function runbookCoverage(
  workflow: WorkflowDefinition,
  results: readonly Pick<RunbookTestResult, 'runs'>[],
): RunbookCoverage {
  const own = results.flatMap(({ runs }) => runs.filter((run) => run.workflow === workflow.name));
  const ended = (step: string, ...ends: readonly string[]): boolean =>
    own.some(({ steps }) => ends.includes(steps[step] ?? ''));
  const ways = workflow.steps.flatMap((step) => [
    { text: `${step.id} succeeded`, isThere: ended(step.id, 'succeeded', 'compensated') },
    { text: `${step.id} failed`, isThere: ended(step.id, 'failed', 'unknown') },
    ...(step.when === undefined ? [] : [{ text: `${step.id} skipped`, isThere: ended(step.id, 'skipped') }]),
    ...(step.compensate === undefined
      ? []
      : [{ text: `${step.id} undone`, isThere: ended(step.id, 'compensated') }]),
  ]);
  return coverageOfWays(`workflow ${workflow.name}`, ways);
}

/**
 * Coverage of the rules that tests loaded: each should be matched, and each of its prechecks should let an event through in
 * one test and stop one in another.
 *
 * @param wanted - Names of the rules that count; those of a profile that no test uses usually do not.
 */
export function ruleCoverage(
  wanted: readonly string[],
  results: readonly Pick<RunbookTestResult, 'rules'>[],
): readonly RunbookCoverage[] {
  return wanted.map((name) => {
    const seen = results.flatMap(({ rules }) => rules.filter(({ rule }) => rule === name));
    const checks = new Set(seen.flatMap(({ prechecks }) => prechecks.map(({ check }) => check)));
    const saw = (check: string, way: 'passed' | 'blocked'): boolean =>
      seen.some((rule) => hasSeen(rule, check, way));
    return coverageOfWays(`rule ${name}`, [
      { text: 'matched', isThere: seen.some(({ matched }) => matched) },
      ...[...checks].flatMap((check) => [
        { text: `${check} passed`, isThere: saw(check, 'passed') },
        { text: `${check} blocked`, isThere: saw(check, 'blocked') },
      ]),
    ]);
  });
}

function hasSeen(
  { prechecks }: LabCoverage['rules'][number],
  check: string,
  way: 'passed' | 'blocked',
): boolean {
  return prechecks.some((one) => one.check === check && one[way]);
}

function coverageOfWays(subject: string, ways: Ways): RunbookCoverage {
  const missing = ways.filter(({ isThere }) => !isThere).map(({ text }) => text);
  return { subject, missing, ratio: ways.length === 0 ? 1 : 1 - missing.length / ways.length };
}
