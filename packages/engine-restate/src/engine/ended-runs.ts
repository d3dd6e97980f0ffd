import { describeError } from '@lazarus/core';
import type { Clock, Logger, Meter, RunView } from '@lazarus/core/ports';
import type { RunStore } from '../server/run-store.ts';

/** What telling of ended runs needs. */
export interface EndedRunsPorts {
  readonly store: RunStore;
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
    this.#ports.meter?.count('lazarus_runs_finished_total', { workflow: view.workflow, status: view.status });
    for (const listener of [...this.#listeners]) {
      try {
        listener(view);
      } catch (error) {
        this.#ports.log.error('a listener of finished runs failed', {
          run_id: runId,
          error: describeError(error),
        });
      }
    }
  }

  /** The end of the run as Restate keeps it; `undefined` when the engine closes, or the run went on elsewhere. */
  async #view(runId: string): Promise<RunView | undefined> {
    const { store, clock, closing } = this.#ports;
    while (!closing.aborted) {
      try {
        const state = await store.ended(runId, WAIT_MS, closing);
        if (state !== 'running') return state;
      } catch {
        await clock.sleep(PAUSE_MS, { signal: closing }).catch(() => undefined);
      }
    }
    return undefined;
  }
}
