import type { DecisionRecord } from '../decision/record.ts';
import type { Json } from './workflow-engine.ts';

/** What one step of a run would do. */
export interface DryStepView {
  readonly step: string;
  readonly uses: string;
  /** 1 for the steps that start at once; equal waves start together. */
  readonly wave: number;
  /** It is one of the steps that run whatever happens. */
  readonly section?: 'finally';
  /** It changes something that cannot be taken back for nothing: budget and re-validation apply. */
  readonly destructive: boolean;
  /** The condition under which it runs, as it is written. */
  readonly only_if?: string;
  /** One sentence, from the verb on. */
  readonly summary: string;
  readonly changes: Readonly<Record<string, Json>>;
  /** Why the step could not be asked; what it says of itself is then less. */
  readonly problem?: string;
}

/** What a run would do when everything succeeds, step by step in the order of the waves. */
export interface DryRunView {
  readonly workflow?: string;
  readonly rule?: string;
  /** The configuration that this is told with; an older decision may have been made with another one. */
  readonly config_digest?: string;
  readonly steps: readonly DryStepView[];
  /** Why it cannot be told as a whole. */
  readonly problem?: string;
}

/** Tells what a run would do, and calls nothing that could change anything. Keeps S13. */
export interface DryRuns {
  /**
   * What would run if every gate had let this event pass and its rule were in mode `act`; `undefined` when no rule with a
   * workflow is about it.
   */
  of(record: DecisionRecord): DryRunView | undefined;
}
