import { describeError, PortError } from '@lazarus/core';
import { askForHelp, journalView } from '@lazarus/dag';
import type { EngineOptions } from '@lazarus/dag';
import { asStoredRun } from '../run/pinned-run.ts';
import type { PinnedRun } from '../run/pinned-run.ts';
import type { PageEnd, RunAlarm } from '../run/run-message.ts';
import { settleBudget } from '../run/settle-budget.ts';
import type { RunStore } from '../server/run-store.ts';
import type { EndedRuns } from './ended-runs.ts';
import { killedBy } from './run-summary.ts';

/** Runs that are remembered as told. */
const MAX_TOLD = 10_000;

/** Pause before a pager that never answered is called again about a run that is gone, milliseconds. */
const AGAIN_MS = 10_000;

/** What alarms work with. */
export interface RunAlarmsPorts {
  readonly store: Pick<RunStore, 'raise'>;
  readonly ended: Pick<EndedRuns, 'tell'>;
  readonly options: Pick<EngineOptions, 'ports' | 'budgets' | 'clock' | 'log'>;
  readonly closing: AbortSignal;
}

/**
 * What is done about runs that nobody drives: a human is told, and the books are closed. Keeps S6 and S10.
 *
 * 1. An alarm goes to Restate, which has one process answer it and remembers the answer: however many processes see the
 *    same thing, now or after a restart, it is answered once.
 * 2. When no process can be called, whoever raised it answers it: told twice is better than not at all.
 * 3. A pager that never answered is no answer: neither Restate nor this process remembers it, and it is called again.
 */
export class RunAlarms {
  readonly #ports: RunAlarmsPorts;
  readonly #calls = new Set<Promise<unknown>>();
  /** By run. */
  readonly #told = new Map<string, Promise<PageEnd>>();

  constructor(ports: RunAlarmsPorts) {
    this.#ports = ports;
  }

  /** Tells a human without asking anybody else. @throws PortError `LZ_PAGER_UNAVAILABLE` when the pager never answered. */
  tellHere(run: PinnedRun, reason: string): Promise<PageEnd> {
    return this.#track(this.answer({ run, what: 'tell', reason }));
  }

  /** Tells a human. @throws PortError `LZ_PAGER_UNAVAILABLE` when the pager never answered. */
  tell(run: PinnedRun, reason: string): Promise<PageEnd> {
    return this.#track(this.#raise({ run, what: 'tell', reason }));
  }

  /**
   * Tells a human, unless that was done, that Restate has ended a run by itself; then closes its books. Nobody looks at such
   * a run again, so a pager that is away is called until it answers.
   */
  over(run: PinnedRun, reason: string, isTold: boolean): void {
    const told = isTold ? Promise.resolve('escalated' as const) : this.#insist({ run, what: 'tell', reason });
    void this.#track(told.then((page) => this.#raise({ run, what: 'over', reason, page })));
  }

  /**
   * Answers an alarm in this process.
   *
   * @throws PortError `LZ_PAGER_UNAVAILABLE` when the pager never answered, so that Restate asks again; the reason of
   * `closing`, when the process ended before it was done.
   */
  async answer(alarm: RunAlarm): Promise<PageEnd> {
    const page = alarm.what === 'tell' ? await this.#tellOnce(alarm) : await this.#close(alarm);
    this.#ports.closing.throwIfAborted();
    return page;
  }

  /** Resolves when nothing is done any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#calls);
  }

  async #insist(alarm: RunAlarm): Promise<PageEnd> {
    const { options, closing } = this.#ports;
    for (;;) {
      try {
        return await this.#raise(alarm);
      } catch (error) {
        closing.throwIfAborted();
        options.log.error('nobody was told of a run that is gone; the pager is called again', {
          run_id: alarm.run.request.runId,
          error: describeError(error),
        });
      }
      await options.clock.sleep(AGAIN_MS, { signal: closing });
    }
  }

  async #raise(alarm: RunAlarm): Promise<PageEnd> {
    const { store, options, closing } = this.#ports;
    try {
      return await store.raise(alarm, closing);
    } catch (error) {
      closing.throwIfAborted();
      options.log.warn('no process answered an alarm, so this one does', {
        run_id: alarm.run.request.runId,
        error: describeError(error),
      });
      return this.answer(alarm);
    }
  }

  /** What this process has told already, it does not tell again when Restate asks for it later. */
  async #tellOnce(alarm: RunAlarm): Promise<PageEnd> {
    const { runId } = alarm.run.request;
    const before = this.#told.get(runId);
    if (before !== undefined) return before;
    if (this.#told.size >= MAX_TOLD) this.#told.clear();
    const told = this.#help(alarm);
    this.#told.set(runId, told);
    try {
      return await told;
    } catch (error) {
      if (this.#told.get(runId) === told) this.#told.delete(runId);
      throw error;
    }
  }

  async #help({ run, reason }: RunAlarm): Promise<PageEnd> {
    const { options, closing } = this.#ports;
    const { ports, clock, log } = options;
    log.error('a run needs a human', { run_id: run.request.runId, reason });
    const { page, isAnswered } = await askForHelp(run.request, reason, {
      ports,
      clock,
      log,
      signal: closing,
    });
    if (isAnswered) return page;
    throw new PortError({
      code: 'LZ_PAGER_UNAVAILABLE',
      message: `the pager did not answer about run ${run.request.runId}: it is called again`,
      retryable: true,
    });
  }

  /** What the run did nobody knows, so its budget counts as spent. */
  async #close({ run, reason, page = 'left_alone' }: RunAlarm): Promise<PageEnd> {
    const { options, ended } = this.#ports;
    await settleBudget(run.request.runId, true, options);
    ended.tell({
      ...journalView({ run: asStoredRun(run), entries: [], signals: [] }),
      ...killedBy(reason),
      page,
      ended_at: new Date(options.clock.now()).toISOString(),
    });
    return page;
  }

  /** Nobody waits for a pager that hangs. */
  #track<T>(work: Promise<T>): Promise<T> {
    const { options, closing } = this.#ports;
    const call = work
      .catch((error: unknown) => {
        if (!closing.aborted)
          options.log.error('a run was not looked after', { error: describeError(error) });
      })
      .finally(() => this.#calls.delete(call));
    this.#calls.add(call);
    return work;
  }
}
