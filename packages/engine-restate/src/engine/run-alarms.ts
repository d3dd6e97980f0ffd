import { describeError } from '@lazarus/core';
import { callForHelp, journalView } from '@lazarus/dag';
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
 */
export class RunAlarms {
  readonly #ports: RunAlarmsPorts;
  readonly #calls = new Set<Promise<unknown>>();
  /** By run. */
  readonly #told = new Map<string, Promise<PageEnd>>();

  constructor(ports: RunAlarmsPorts) {
    this.#ports = ports;
  }

  /** Tells a human without asking anybody else. */
  tellHere(run: PinnedRun, reason: string): void {
    this.#track(this.answer({ run, what: 'tell', reason }));
  }

  /** Tells a human. */
  tell(run: PinnedRun, reason: string): void {
    this.#track(this.#raise({ run, what: 'tell', reason }));
  }

  /** Tells a human, unless that was done, that Restate has ended a run by itself; then closes its books. */
  over(run: PinnedRun, reason: string, isTold: boolean): void {
    const told = isTold ? Promise.resolve('escalated' as const) : this.#raise({ run, what: 'tell', reason });
    this.#track(told.then((page) => this.#raise({ run, what: 'over', reason, page })));
  }

  /** Answers an alarm in this process. @throws the reason of `closing`, when the process ended before it was done. */
  async answer(alarm: RunAlarm): Promise<PageEnd> {
    const page = alarm.what === 'tell' ? await this.#tellOnce(alarm) : await this.#close(alarm);
    this.#ports.closing.throwIfAborted();
    return page;
  }

  /** Resolves when nothing is done any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#calls);
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
  #tellOnce(alarm: RunAlarm): Promise<PageEnd> {
    const { runId } = alarm.run.request;
    let told = this.#told.get(runId);
    if (told !== undefined) return told;
    if (this.#told.size >= MAX_TOLD) this.#told.clear();
    this.#told.set(runId, (told = this.#help(alarm)));
    return told;
  }

  #help({ run, reason }: RunAlarm): Promise<PageEnd> {
    const { options, closing } = this.#ports;
    const { ports, clock, log } = options;
    log.error('a run needs a human', { run_id: run.request.runId, reason });
    return callForHelp(run.request, reason, { ports, clock, log, signal: closing });
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
  #track(work: Promise<unknown>): void {
    const { options, closing } = this.#ports;
    const call = work
      .catch((error: unknown) => {
        if (!closing.aborted)
          options.log.error('a run was not looked after', { error: describeError(error) });
      })
      .finally(() => this.#calls.delete(call));
    this.#calls.add(call);
  }
}
