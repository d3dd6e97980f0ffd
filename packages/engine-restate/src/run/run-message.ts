import type { Json, RunView } from '@lazarus/core/ports';
import type { PinnedRun, PinnedWire } from './pinned-run.ts';
import type { Sealable } from './run-seal.ts';

/** How the page of a run ended. */
export type PageEnd = NonNullable<RunView['page']>;

/** What somebody tells a run, as it travels. Its seal is for this run and for one use. Keeps S2 and S18. */
export interface RunSignal extends Sealable {
  readonly runId: string;
  /** Differs from signal to signal: a seal that somebody overheard opens nothing a second time. */
  readonly id: string;
  readonly name: string;
  readonly payload: Json;
  /** Id that Restate has for the run: it is asked to stop. */
  readonly cancels?: string;
}

/**
 * What a process found out about a run that nobody drives: `tell` a human, or do what is to be done when a run is `over`.
 * Each happens once per run over all processes.
 */
export interface RunAlarm {
  readonly run: PinnedRun;
  readonly what: 'tell' | 'over';
  readonly reason: string;
  /** How its page ended; known when it is over. */
  readonly page?: PageEnd;
}

/** An alarm as it travels. */
export interface RunAlarmWire extends Omit<RunAlarm, 'run'>, Sealable {
  readonly run: PinnedWire;
}
