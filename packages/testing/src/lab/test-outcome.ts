import type { LabCoverage } from './lab-coverage.ts';
import type { Difference } from './trace-diff.ts';

/** What a test came to, before its differences get their places. */
export interface TestOutcome {
  readonly seed: number;
  readonly differences: readonly Difference[];
  /** What happened, one line per call and per end of a step. */
  readonly trace: readonly string[];
  /** Time of the lab, milliseconds. */
  readonly tookMs: number;
  /** How each step ended in each run, for coverage. */
  readonly runs: LabCoverage['runs'];
  /** Rules that events of the test went through, for coverage; nothing when it tests a workflow alone. */
  readonly rules: LabCoverage['rules'];
}
