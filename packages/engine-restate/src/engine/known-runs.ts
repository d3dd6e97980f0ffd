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
  /** A human is being told. */
  isTelling?: boolean;
  /** The pager has answered. */
  isTold?: boolean;
}

/** Has a human told about a run: by one call at a time, and never again once it was answered. */
export async function tellOnce(known: KnownRun, call: () => Promise<unknown>): Promise<void> {
  if (known.isTelling === true || known.isTold === true) return;
  known.isTelling = true;
  try {
    await call();
    known.isTold = true;
  } catch {
    // The call says itself what went wrong; whoever looks next calls again.
  } finally {
    known.isTelling = false;
  }
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

  /** The run is looked at after all others the next time. */
  putLast(known: KnownRun): void {
    const { runId } = known.run.request;
    if (this.#runs.get(runId) !== known) return;
    this.#runs.delete(runId);
    this.#runs.set(runId, known);
  }

  delete(runId: string): void {
    this.#runs.delete(runId);
  }
}
