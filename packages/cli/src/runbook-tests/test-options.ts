import type { TestFormat } from '../render/test-report.ts';
import type { TestTarget } from './test-targets.ts';

/** Options of a run of tests. */
export interface TestOptions {
  readonly output: TestFormat;
  readonly run?: RegExp;
  readonly bail?: boolean;
  readonly coverage?: boolean;
  /** Least coverage of every workflow and rule, 0 to 1. */
  readonly min?: number;
  readonly watch?: boolean;
  readonly update?: boolean;
  readonly seed?: number;
  readonly plugins: readonly string[];
}

/** What a round is about; all of it can be sent to a thread. */
export interface TestRound {
  readonly paths: readonly string[];
  readonly targets: readonly TestTarget[];
  readonly options: TestOptions;
}
