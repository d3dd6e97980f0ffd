import { describeError } from '@lazarus/core';
import type { EngineOptions } from '@lazarus/dag';
import type { Invocation, RunStore } from '../server/run-store.ts';
import { inBatches } from './batches.ts';
import { OVERDUE_MS, tellOnce } from './known-runs.ts';
import type { KnownRun, KnownRuns } from './known-runs.ts';
import type { RunAlarms } from './run-alarms.ts';

/** What the look at runs in trouble works with. */
export interface TroubledRunsPorts {
  readonly store: Pick<RunStore, 'load' | 'troubled'>;
  readonly known: KnownRuns;
  readonly alarms: Pick<RunAlarms, 'tell' | 'over'>;
  readonly options: Pick<EngineOptions, 'clock' | 'log' | 'meter'>;
  readonly closing: AbortSignal;
  stop(known: KnownRun, reason: string): Promise<void>;
}

/** Runs that are looked at together. */
const BATCH = 16;
const MAX_SETTLED = 10_000;
/** What the server calls a journal that the code does not fit. */
const MISMATCH = new Set(['RT0016', '570']);

/**
 * The runs of all processes that Restate cannot get on with, or ended by itself: also those that no living process had in
 * hand. Keeps S10.
 */
export class TroubledRuns {
  readonly #ports: TroubledRunsPorts;
  /** Runs that Restate ended by itself and about which this process did what there was to do. */
  readonly #settled = new Set<string>();
  /** Deadlines of runs that Restate cannot get on with at the moment: a journal is dear to read. Wall time, milliseconds. */
  readonly #deadlinesAtMs = new Map<string, number>();
  #isBlind = false;

  constructor(ports: TroubledRunsPorts) {
    this.#ports = ports;
  }

  /** Looks at all of them. Never rejects: a query that fails is an alarm of its own, and refuses no run. */
  async look(): Promise<void> {
    const troubled = await this.#query();
    if (troubled === undefined) return;
    const { options, closing } = this.#ports;
    const stuck = new Set(troubled.map(({ runId }) => runId));
    for (const runId of this.#deadlinesAtMs.keys()) if (!stuck.has(runId)) this.#deadlinesAtMs.delete(runId);
    await inBatches(troubled, BATCH, async (invocation) => {
      try {
        if (invocation.status === 'completed') await this.#onEnded(invocation);
        else await this.#onStuck(invocation);
      } catch (error) {
        if (closing.aborted) return;
        options.log.error('a run in trouble could not be looked at', {
          run_id: invocation.runId,
          error: describeError(error),
        });
      }
    });
  }

  /** All there was to do about a run that Restate ended was done. */
  settle(runId: string): void {
    // Doing it again changes nothing: Restate remembers the answers.
    if (this.#settled.size >= MAX_SETTLED) this.#settled.clear();
    this.#settled.add(runId);
  }

  async #query(): Promise<readonly Invocation[] | undefined> {
    const { store, closing, options } = this.#ports;
    try {
      const troubled = await store.troubled();
      if (this.#isBlind) options.log.info('Restate answers queries again');
      this.#isBlind = false;
      return troubled;
    } catch (error) {
      if (closing.aborted || this.#isBlind) return undefined;
      this.#isBlind = true;
      options.log.error('Restate answers no queries: runs in trouble elsewhere are not seen', {
        error: describeError(error),
      });
      options.meter?.count('lazarus_journal_errors_total');
      return undefined;
    }
  }

  /** Whoever had it in hand follows it anyway. A run that none of ours submitted is nobody's. */
  async #onEnded({ runId, failure = '' }: Invocation): Promise<void> {
    const { store, known, alarms } = this.#ports;
    if (this.#settled.has(runId) || known.get(runId) !== undefined) return;
    const recorded = await store.load(runId);
    this.settle(runId);
    if (recorded !== undefined) alarms.over(recorded.run, `Restate has ended it: ${failure}`, false);
  }

  /** A run that Restate gave up, or that is past its time, needs a human; a journal that does not fit does so at once. */
  async #onStuck({ runId, status, retries, failure = '', errorCode = '' }: Invocation): Promise<void> {
    const { store, known, alarms, options, stop } = this.#ports;
    const had = known.get(runId);
    if (had?.isTold === true || had?.isTelling === true) return;
    const isHopeless = status === 'paused' || MISMATCH.has(errorCode);
    if (!isHopeless && retries < 2) return;
    const isInTime = (): boolean => (this.#deadlinesAtMs.get(runId) ?? 0) + OVERDUE_MS >= options.clock.now();
    if (!isHopeless && isInTime()) return;
    const recorded = await store.load(runId);
    if (recorded === undefined) return;
    this.#deadlinesAtMs.set(runId, recorded.run.deadlineAtMs);
    if (!isHopeless && isInTime()) return;
    const run = known.add(recorded.run);
    run.stop ??= `Restate could not go on with it (${status}), and a person was told`;
    void tellOnce(run, () => alarms.tell(run.run, `Restate cannot go on with it (${status}): ${failure}`));
    if (run.isStopped !== true) await stop(run, run.stop);
  }
}
