import type { Clock } from '@lazarus/core/ports';
import type { PinnedRun } from '../run/pinned-run.ts';

/** A run that this process had in hand. */
export interface KnownRun {
  readonly run: PinnedRun;
  /** Monotonic instant after which somebody must have been told, milliseconds. */
  readonly overdueAtMs: number;
  /** Whether Restate has it is not known. */
  isDoubted?: boolean;
  /** Why it is to stop; a human was told, or believes that there is no run. */
  stop?: string;
  /** Restate was asked to stop it. */
  isStopped?: boolean;
  isTold?: boolean;
}

/** Time after the deadline of a run at which somebody must have been told, milliseconds. */
export const OVERDUE_MS = 60_000;

/** The runs that this process had in hand and whose end it does not know. */
export class KnownRuns {
  readonly #clock: Clock;
  readonly #runs = new Map<string, KnownRun>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get all(): readonly KnownRun[] {
    return [...this.#runs.values()];
  }

  get(runId: string): KnownRun | undefined {
    return this.#runs.get(runId);
  }

  /** The run, known from now on. */
  add(run: PinnedRun): KnownRun {
    const { runId } = run.request;
    let known = this.#runs.get(runId);
    if (known === undefined) {
      const leftMs = Math.max(0, run.deadlineAtMs - this.#clock.now());
      const overdueAtMs = this.#clock.monotonic() + leftMs + OVERDUE_MS;
      this.#runs.set(runId, (known = { run, overdueAtMs }));
    }
    return known;
  }

  delete(runId: string): void {
    this.#runs.delete(runId);
  }
}
