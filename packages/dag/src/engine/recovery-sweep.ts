import { describeError, InvariantError, isLazarusError, WorkflowError } from '@lazarus/core';
import { CANCEL_SIGNAL } from '../coordinator/limits.ts';
import type { Processes } from './adapters/system-process.ts';
import type { DrivenRuns } from './driven-runs.ts';
import { canRun } from './engine-options.ts';
import type { EngineOptions, EngineTimes } from './engine-options.ts';
import type { GroupCommit } from './group-commit.ts';
import type { JournalHealth } from './journal-health.ts';
import type { Journal, LoadedRun, StoredRun } from './journal.ts';
import type { OwnerLease } from './owner-lease.ts';
import { OwnerWatch } from './owner-watch.ts';

/** What the sweep works with. */
export interface RecoverySweepPorts {
  readonly journal: Journal;
  readonly options: EngineOptions;
  readonly times: EngineTimes;
  readonly processes: Processes;
  readonly owner: string;
  readonly writer: GroupCommit;
  readonly lease: OwnerLease;
  readonly runs: DrivenRuns;
  readonly health: JournalHealth;
  readonly closing: AbortSignal;
}

/** Runs claimed in one sweep, so that a huge backlog does not start at once. */
const CLAIM_MAX = 50;

const UNANSWERED =
  'nobody knows whether its submitter, whose patience is over, was told that it began; a person was asked instead';

/** Sweeps between two rounds of compaction. */
const PRUNE_EVERY_SWEEPS = 60;

/**
 * What an engine does again and again: renew its lease, take over what nobody drives, hand over signals, compact. It is
 * also how a journal that failed is found to work again.
 */
export class RecoverySweep {
  readonly #ports: RecoverySweepPorts;
  #sweeps = 0;
  readonly #watch: OwnerWatch;
  /** There may be signals that were not handed over. */
  #isBehind = false;

  constructor(ports: RecoverySweepPorts) {
    this.#ports = ports;
    this.#watch = new OwnerWatch(ports.options.clock, ports.times.leaseTtlMs);
  }

  /** Sweeps until the engine closes. */
  async forever(): Promise<void> {
    const { closing, options, times } = this.#ports;
    while (!closing.aborted) {
      try {
        await options.clock.sleep(times.sweepMs, { signal: closing });
      } catch {
        return;
      }
      await this.once();
    }
  }

  /** One round. Never rejects: a journal that fails is remembered as failed. */
  async once(): Promise<void> {
    const { lease, health, closing } = this.#ports;
    const { failures } = health;
    try {
      if (health.failure !== undefined) await this.#ports.journal.probe();
      if (lease.isDue || health.failure !== undefined) await lease.renew();
      await this.#reviveStranded();
      await this.#fetchSignals();
      await this.#claim();
      await this.#compact();
      health.recover(failures);
    } catch (error) {
      if (!closing.aborted) health.fail(describeError(error));
    }
  }

  /** A human was told about these runs: they stop at their next safe point. One that cannot be read holds up no other. */
  async #reviveStranded(): Promise<void> {
    const { runs, options } = this.#ports;
    for (const run of runs.stranded) {
      try {
        await this.#revive(run);
      } catch (error) {
        if (isLazarusError(error) && error.code === 'LZ_JOURNAL_UNAVAILABLE') throw error;
        options.log.error('a run cannot be read', { run_id: run.runId, error: describeError(error) });
        runs.unstrand(run.runId);
        runs.giveUp({ run, entries: [], signals: [] }, error);
      }
    }
  }

  async #revive(run: StoredRun): Promise<void> {
    const { runs, writer, journal } = this.#ports;
    const signal = {
      name: CANCEL_SIGNAL,
      payload: 'the workflow journal had failed, and a person was told',
    };
    const outcome = await writer.write({ kind: 'signal', runId: run.runId, signal });
    const loaded = outcome === 'done' ? await journal.load(run.runId) : undefined;
    const isOurs = loaded?.run.epoch === run.epoch;
    if (isOurs && loaded.unreadable !== undefined) throw cannotBeRead(loaded.unreadable);
    runs.unstrand(run.runId);
    if (isOurs) runs.drive(loaded);
  }

  /** Hands over what has just become durable for a run; what cannot be read now is read by the next round. */
  async handOver(runId: string): Promise<void> {
    const { runs, journal } = this.#ports;
    const active = runs.get(runId);
    if (active?.isCreated !== true) {
      this.#isBehind = true;
      return;
    }
    try {
      active.handOver(await journal.signals(runId));
    } catch {
      this.#isBehind = true;
    }
  }

  /** A change of the file counts as seen once everything was read that it may be about. */
  async #fetchSignals(): Promise<void> {
    const { runs, journal } = this.#ports;
    if (runs.ids.length === 0) return;
    if (!(await journal.changedByOthers()) && !this.#isBehind) return;
    this.#isBehind = false;
    try {
      await runs.fetchSignals((runId) => journal.signals(runId));
    } catch (error) {
      this.#isBehind = true;
      throw error;
    }
  }

  /** Takes over what this process can drive, and what nobody drives although its time is over. */
  async #claim(): Promise<void> {
    const { journal, options, owner, processes, runs } = this.#ports;
    const nowMs = options.clock.now();
    this.#watch.nextRound();
    const claimed = await journal.claim({
      owner,
      nowMs,
      max: CLAIM_MAX,
      isGone: (process) => processes.isGone(process),
      isSilent: ({ id, process, leaseUntilMs }) =>
        processes.isOfEarlierBoot?.(process) === true || this.#watch.isSilent(id, leaseUntilMs),
      isDriven: (runId) => runs.has(runId),
      canRun: (definition, deadlineAtMs) => deadlineAtMs < nowMs || canRun(definition, options.actions),
    });
    for (const loaded of claimed) this.#takeOver(loaded);
  }

  #takeOver(loaded: LoadedRun): void {
    const { options, runs } = this.#ports;
    const { runId, epoch, definition } = loaded.run;
    options.log.info('a run is taken over', { run_id: runId, epoch, lines: loaded.entries.length });
    if (loaded.unreadable !== undefined) runs.giveUp(loaded, cannotBeRead(loaded.unreadable));
    else if (canRun(definition, options.actions)) this.#takeUp(loaded);
    else
      runs.giveUp(
        loaded,
        new WorkflowError({
          code: 'LZ_WORKFLOW_TIMEOUT',
          message: `its time is over, and no process had every action of ${definition.name}`,
        }),
      );
  }

  /**
   * A run whose submitter died before it was answered was accepted with the claim and goes on like any other. One whose submitter may have been told that
   * there is none does nothing more: the decision has been a person's since then.
   */
  #takeUp(loaded: LoadedRun): void {
    const mayHaveBeenRefused = loaded.run.answerByMs !== undefined;
    this.#ports.runs.drive(loaded, mayHaveBeenRefused ? { cancel: UNANSWERED } : {});
  }

  async #compact(): Promise<void> {
    const { journal, options, times } = this.#ports;
    this.#sweeps += 1;
    if (this.#sweeps % PRUNE_EVERY_SWEEPS !== 0) return;
    await journal.prune(options.clock.now(), { entriesMs: times.keepEntriesMs, runsMs: times.keepRunsMs });
  }
}

const cannotBeRead = (why: string): InvariantError =>
  new InvariantError({ message: `it cannot be read: ${why}` });
