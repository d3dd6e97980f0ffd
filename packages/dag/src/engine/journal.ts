import type { Json, RunOutcome, RunRequest, RunView } from '@lazarus/core/ports';
import type { WorkflowDefinition } from '../document/workflow-definition.ts';
import type { Settled } from '../coordinator/run-handle.ts';

/**
 * One line of a run's journal, in the order in which the coordinator saw it. Replaying the lines gives the same state.
 * `intent`: an attempt is about to go out. `done`: a body settled. `timer`, `signal`: they fired. `now`, `random`: what
 * was read.
 */
export type JournalEntry =
  | { readonly kind: 'intent'; readonly key: string }
  | ObservedEntry
  | { readonly kind: 'now' | 'random'; readonly value: number };

/** Something that was waited for happened. */
export interface ObservedEntry {
  readonly kind: 'done' | 'timer' | 'signal';
  readonly key: string;
  readonly atMs: number;
  readonly result: Settled;
}

/** A run as it is stored. */
export interface StoredRun {
  readonly runId: string;
  readonly request: RunRequest;
  readonly definition: WorkflowDefinition;
  readonly inputs: Readonly<Record<string, Json>>;
  readonly startedAtMs: number;
  readonly deadlineAtMs: number;
  /** Grows with every owner; a write with an older one is refused. Keeps S4. */
  readonly epoch: number;
  /**
   * Until then whoever submitted the run may still be told that there is none, because nobody has been told yet that there
   * is one; wall time, milliseconds. Absent once the run was accepted.
   */
  readonly answerByMs?: number;
}

/** A signal that somebody sent to a run. */
export interface StoredSignal {
  readonly name: string;
  readonly payload: Json;
}

/** One write; all writes of a wave are committed together. */
export type JournalWrite =
  | { readonly kind: 'create'; readonly run: StoredRun; readonly owner: string }
  | {
      readonly kind: 'append';
      readonly runId: string;
      readonly owner: string;
      readonly epoch: number;
      readonly from: number;
      readonly entries: readonly JournalEntry[];
    }
  | {
      readonly kind: 'finish';
      readonly runId: string;
      readonly owner: string;
      readonly epoch: number;
      readonly status: RunOutcome;
      readonly endedAtMs: number;
      readonly view: RunView;
    }
  | { readonly kind: 'accept'; readonly runId: string; readonly owner: string; readonly epoch: number }
  | { readonly kind: 'signal'; readonly runId: string; readonly signal: StoredSignal };

/** `fenced`: another process owns the run. `exists`: the run was created before. `missing`: there is no such running run. */
export type WriteOutcome = 'done' | 'fenced' | 'exists' | 'missing';

/** A run with everything that is needed to go on with it. */
export interface LoadedRun {
  readonly run: StoredRun;
  readonly entries: readonly JournalEntry[];
  readonly signals: readonly StoredSignal[];
  /** Why not everything could be read; nobody can drive the run then. */
  readonly unreadable?: string;
}

/** One line of a list of runs. */
export interface RunSummary {
  readonly runId: string;
  readonly workflow: string;
  readonly service: string;
  readonly hostId?: string;
  readonly status: 'running' | RunOutcome;
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
}

/** Filter of a list of runs; newest first. */
export interface RunQuery {
  readonly status?: 'running' | RunOutcome;
  readonly service?: string;
  /** 1 to 1000. @defaultValue 100 */
  readonly limit?: number;
}

/** How long finished runs are kept. */
export interface Retention {
  /** Journal lines of a finished run, milliseconds; its view stays. */
  readonly entriesMs: number;
  /** Finished runs as a whole, milliseconds. */
  readonly runsMs: number;
}

/** An owner of runs, as it announced itself. */
export interface OwnerRow {
  readonly id: string;
  readonly process: string;
  /** Wall time, milliseconds; 0 when it gave its runs up. */
  readonly leaseUntilMs: number;
}

/** What is known about the answer to the submission of a run. */
export type Submission = Pick<StoredRun, 'answerByMs' | 'startedAtMs'>;

/**
 * Whether the submitter of a run may have been told that there is none: it was never told that there is one, and its
 * patience is over. Before that no engine says so. A clock that was set back to before the start proves nothing.
 */
export function mayBeRefused({ answerByMs, startedAtMs }: Submission, nowMs: number): boolean {
  return answerByMs !== undefined && (nowMs >= answerByMs || nowMs < startedAtMs);
}

/** Whether the submitter of a run can still be told either: only the death of its process, or time, settles that. */
export function isUnanswered(run: Submission, nowMs: number, isGone: boolean): boolean {
  return run.answerByMs !== undefined && !isGone && !mayBeRefused(run, nowMs);
}

/** Whether an owner has lost its runs. Keeps S4. */
export function hasLostItsRuns(
  owner: OwnerRow,
  options: Pick<Parameters<Journal['claim']>[0], 'nowMs' | 'isGone' | 'isSilent'>,
): boolean {
  if (options.isGone(owner.process) || owner.leaseUntilMs === 0) return true;
  // Asked in any case: silence is counted from when a lease was seen first.
  const isSilent = options.isSilent?.(owner) ?? true;
  return isSilent && owner.leaseUntilMs < options.nowMs;
}

/**
 * Durable store of runs. Every call may fail with `LZ_JOURNAL_UNAVAILABLE`; a write is durable when its promise resolves.
 */
export interface Journal {
  /** Commits all writes in one transaction; answers for each of them, in order. */
  commit(writes: readonly JournalWrite[]): Promise<readonly WriteOutcome[]>;
  /** Announces an owner, or prolongs its lease. Wall time, milliseconds. */
  renew(owner: {
    readonly id: string;
    readonly process: string;
    readonly leaseUntilMs: number;
  }): Promise<void>;
  /**
   * Takes over running runs without a living owner, and those of `owner` itself that it does not drive: the answer to an
   * earlier claim can have been lost after it was durable. At most `max`. Keeps S10. A run whose submitter lives and is
   * not answered is left to it; one whose submitter is gone and was told nothing is accepted with the claim.
   */
  claim(options: {
    readonly owner: string;
    readonly nowMs: number;
    readonly max: number;
    readonly isGone: (process: string) => boolean;
    readonly canRun: (definition: WorkflowDefinition, deadlineAtMs: number) => boolean;
    /**
     * Whether an owner, whose lease the wall clock says to be over, has not renewed it for as long as a lease lasts. Not
     * asked about one that gave its runs up, whose lease ends at 0.
     *
     * @defaultValue the wall clock is believed
     */
    readonly isSilent?: (owner: OwnerRow) => boolean;
    /** Whether `owner` drives a run that is its own. @defaultValue it drives all of them */
    readonly isDriven?: (runId: string) => boolean;
  }): Promise<readonly LoadedRun[]>;
  /** Epochs of the running runs of an owner, by run id. */
  owned(owner: string): Promise<ReadonlyMap<string, number>>;
  /** Signals of a run, in the order in which they came. */
  signals(runId: string): Promise<readonly StoredSignal[]>;
  load(runId: string): Promise<LoadedRun | undefined>;
  /** The final view of a finished run. */
  view(runId: string): Promise<RunView | undefined>;
  has(runId: string): Promise<boolean>;
  list(query: RunQuery): Promise<readonly RunSummary[]>;
  /** Deletes a bounded part of what is older than the retention; returns how many runs were touched. */
  prune(nowMs: number, retention: Retention): Promise<number>;
  /** Proves, after a failure, that there is room again for more than a small write. */
  probe(): Promise<void>;
  /** Whether another connection changed the file since this was asked last. */
  changedByOthers(): Promise<boolean>;
  /** Number of transactions that were made durable. */
  readonly commits: number;
  close(): Promise<void>;
}
