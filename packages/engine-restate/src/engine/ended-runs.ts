import { describeError, isLazarusError } from '@lazarus/core';
import type { Clock, Logger, Meter, RunView } from '@lazarus/core/ports';
import { isKilled } from '../server/run-outcome.ts';
import type { RunStore } from '../server/run-store.ts';

/** What telling of ended runs needs. */
export interface EndedRunsPorts {
  readonly store: Pick<RunStore, 'ended'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter: Meter | undefined;
  readonly closing: AbortSignal;
}

const WAIT_MS = 30_000;
const PAUSE_MS = 500;

/** Tells who listens of runs that ended in this process, once their end is durable. */
export class EndedRuns {
  readonly #ports: EndedRunsPorts;
  readonly #listeners = new Set<(run: RunView) => void>();
  readonly #waiting = new Set<Promise<void>>();

  constructor(ports: EndedRunsPorts) {
    this.#ports = ports;
  }

  onFinished(listener: (run: RunView) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** A run has ended here: waits until Restate has its end, then does `release`, then tells. */
  expect(runId: string, release: () => Promise<void>): void {
    const waiting = this.#await(runId, release).finally(() => this.#waiting.delete(waiting));
    this.#waiting.add(waiting);
  }

  /** Resolves when nothing is waited for. */
  async settled(): Promise<void> {
    await Promise.all(this.#waiting);
  }

  async #await(runId: string, release: () => Promise<void>): Promise<void> {
    const view = await this.#view(runId);
    if (view === undefined) return;
    await release();
    this.tell(view);
  }

  /** Tells of a run that is over. */
  tell(view: RunView): void {
    this.#ports.meter?.count('lazarus_runs_finished_total', { workflow: view.workflow, status: view.status });
    for (const listener of [...this.#listeners]) {
      try {
        listener(view);
      } catch (error) {
        this.#ports.log.error('a listener of finished runs failed', {
          run_id: view.run_id,
          error: describeError(error),
        });
      }
    }
  }

  /**
   * The end of the run as Restate keeps it; `undefined` when the engine closes, and when Restate has no end to tell: what
   * became of the run is then for the watch to find out.
   */
  async #view(runId: string): Promise<RunView | undefined> {
    const { store, clock, closing } = this.#ports;
    for (;;) {
      try {
        const state = await store.ended(runId, WAIT_MS, closing);
        if (isKilled(state)) return undefined;
        if (state !== 'running') return state;
      } catch (error) {
        if (isFinal(error)) return undefined;
      }
      try {
        // Also after an answer: a server that does not wait is not asked without a pause.
        await clock.sleep(PAUSE_MS, { signal: closing });
      } catch {
        return undefined;
      }
    }
  }
}

/** The server will say the same again. */
const isFinal = (error: unknown): boolean =>
  isLazarusError(error) && (error as { readonly retryable?: unknown }).retryable === false;
