import { describeError, isLazarusError } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';
import { systemScheduler } from './adapters/system-scheduler.ts';
import { ActiveRun } from './active-run.ts';
import type { ActiveRunPorts, DriveEnd, Origin } from './active-run.ts';
import { fenced } from './embedded-run.ts';
import type { JournalHealth } from './journal-health.ts';
import type { LoadedRun, StoredRun } from './journal.ts';
import type { OwnerLease } from './owner-lease.ts';

/**
 * Turns of the event loop that a closing engine leaves to bodies that were told to end. What obeys its signal needs few;
 * what does not may take as long as its provider, and nothing is gained by waiting: its process holds the runs anyway.
 */
const BODIES_END_WITHIN_TURNS = 10;

/** What driving runs needs from the engine. */
export interface DrivenRunsPorts extends Omit<ActiveRunPorts, 'assertOwned'> {
  readonly lease: OwnerLease;
  readonly health: JournalHealth;
}

/** The runs that this process drives, and what happens when one of them ends or cannot go on. */
export class DrivenRuns {
  readonly #ports: DrivenRunsPorts;
  readonly #active = new Map<string, ActiveRun>();
  /** Runs that stopped because the journal failed; they are canceled once it works again. */
  readonly #stranded = new Map<string, StoredRun>();
  readonly #listeners = new Set<(run: RunView) => void>();
  /** Runs that cannot go on, until a human was told. */
  readonly #givenUp = new Set<Promise<void>>();

  constructor(ports: DrivenRunsPorts) {
    this.#ports = ports;
  }

  get ids(): readonly string[] {
    return [...this.#active.keys()];
  }

  get stranded(): readonly StoredRun[] {
    return [...this.#stranded.values()];
  }

  /** Whether the run is known here: driven, or waiting for the journal to work again. */
  has(runId: string): boolean {
    return this.#active.has(runId) || this.#stranded.has(runId);
  }

  get(runId: string): ActiveRun | undefined {
    return this.#active.get(runId);
  }

  onFinished(listener: (run: RunView) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Drives a run from its first line, or from where its journal ends. */
  drive(loaded: LoadedRun, origin?: Origin): ActiveRun {
    const active = this.#adopt(loaded, origin);
    active.start((end) => this.#onEnd(active, loaded.run, end));
    return active;
  }

  /** Ends a run that nobody can drive: a human is told. Keeps S10. */
  giveUp(loaded: LoadedRun, error: unknown): void {
    const active = this.#adopt(loaded);
    this.#onEnd(active, loaded.run, { error });
  }

  /** Forgets that a run is stranded. */
  unstrand(runId: string): void {
    this.#stranded.delete(runId);
  }

  /** Lets go of runs that were taken over. */
  keepOnly(owned: ReadonlyMap<string, number>): void {
    for (const [runId, active] of this.#active) {
      if (active.isCreated && owned.get(runId) !== active.epoch) active.abandon(fenced(runId));
    }
  }

  /** Signals that other processes wrote. */
  async fetchSignals(read: (runId: string) => Promise<LoadedRun['signals']>): Promise<void> {
    for (const [runId, active] of this.#active) {
      if (active.isCreated) active.handOver(await read(runId));
    }
  }

  /**
   * Stops driving: the runs go on with their next owner. Resolves when their bodies have ended, or after
   * {@link BODIES_END_WITHIN_TURNS}, and says whose have not: they may still have an effect. Keeps S1 and S4.
   */
  async close(reason: Error): Promise<readonly string[]> {
    const active = [...this.#active.entries()];
    for (const [, run] of active) run.abandon(reason);
    await Promise.allSettled([...active.map(([, run]) => run.ended), ...this.#givenUp]);
    await this.#endBodies(active.map(([, run]) => run));
    return active.filter(([, run]) => run.hasBodies).map(([runId]) => runId);
  }

  async #endBodies(runs: readonly ActiveRun[]): Promise<void> {
    const { schedule = systemScheduler } = this.#ports.options;
    for (let turn = 0; turn < BODIES_END_WITHIN_TURNS && runs.some((run) => run.hasBodies); turn += 1)
      await new Promise<void>((resolve) => schedule(resolve));
  }

  #adopt(loaded: LoadedRun, origin?: Origin): ActiveRun {
    const { run } = loaded;
    const { lease, health: _, ...ports } = this.#ports;
    const active = new ActiveRun(loaded, { ...ports, assertOwned: () => lease.assertOwned(run) }, origin);
    this.#active.set(run.runId, active);
    return active;
  }

  #onEnd(active: ActiveRun, run: StoredRun, end: DriveEnd): void {
    const { options, closing, health } = this.#ports;
    if (end.view !== undefined || closing.aborted) {
      this.#forget(active, run.runId);
      if (end.view !== undefined) this.#announce(end.view);
      return;
    }
    const code = isLazarusError(end.error) ? end.error.code : '';
    if (code === 'LZ_JOURNAL_FENCED') {
      this.#forget(active, run.runId);
      options.log.warn('a run was taken over by another process', { run_id: run.runId });
      return;
    }
    const reason = describeError(end.error);
    options.log.error('a run cannot go on', { run_id: run.runId, error: reason });
    if (code === 'LZ_JOURNAL_UNAVAILABLE') {
      health.fail(reason);
      this.#strand(active, run);
      this.#track(active.callForHelp(reason));
    } else this.#track(this.#endBroken(active, run, end.error));
  }

  #strand(active: ActiveRun, run: StoredRun): void {
    this.#forget(active, run.runId);
    this.#stranded.set(run.runId, run);
  }

  /** Tells a human, then ends the run; it counts as driven until then, so that nobody starts it again. */
  async #endBroken(active: ActiveRun, run: StoredRun, error: unknown): Promise<void> {
    try {
      const view = await active.giveUp(error);
      this.#forget(active, run.runId);
      this.#announce(view);
    } catch (failure) {
      this.#ports.options.log.error('a broken run could not be ended', {
        run_id: run.runId,
        error: describeError(failure),
      });
      if (isLazarusError(failure) && failure.code === 'LZ_JOURNAL_UNAVAILABLE') this.#strand(active, run);
      else this.#forget(active, run.runId);
    }
  }

  #track(work: Promise<unknown>): void {
    const ended = work.then(() => void this.#givenUp.delete(ended));
    this.#givenUp.add(ended);
  }

  #forget(active: ActiveRun, runId: string): void {
    if (this.#active.get(runId) === active) this.#active.delete(runId);
    active.letGo();
  }

  #announce(view: RunView): void {
    const { meter, log } = this.#ports.options;
    meter?.count('lazarus_runs_finished_total', { workflow: view.workflow, status: view.status });
    for (const listener of [...this.#listeners]) {
      try {
        listener(view);
      } catch (error) {
        log.error('a listener of finished runs failed', { run_id: view.run_id, error: describeError(error) });
      }
    }
  }
}
