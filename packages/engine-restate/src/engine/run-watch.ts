/**
 * What a process looks at again and again: whether a server takes runs, whether the service is known there, what became of
 * the runs that this process had in hand, and whether Restate gets on with all others. Keeps S10.
 *
 * 1. Whether runs can be started is for the ingress to say. A query that fails is an alarm of its own.
 * 2. A run stays known until its end is known. Where nobody drives it any more, a human is told, once; a pager that never
 *    answered is called again at the next look.
 * 3. A run about which a human was told, or of which whoever asked for it believes that there is none, is asked to stop,
 *    and does not go on in this process before it was.
 * 4. That the time of a run is over is told without any server.
 * 5. However many runs other processes drive, one look asks about a bounded number of them, in turn.
 */
import { describeError, isLazarusError, WorkflowError } from '@lazarus/core';
import type { EngineOptions } from '@lazarus/dag';
import { RUN_SERVICE } from '../endpoint/run-service.ts';
import type { ResolvedOptions } from '../options.ts';
import type { PinnedRun } from '../run/pinned-run.ts';
import { isKnown } from '../server/register-service.ts';
import type { RestateServers } from '../server/restate-servers.ts';
import { isKilled } from '../server/run-outcome.ts';
import type { RunStore } from '../server/run-store.ts';
import { inBatches } from './batches.ts';
import { KnownRuns, OVERDUE_MS, tellOnce } from './known-runs.ts';
import type { KnownRun } from './known-runs.ts';
import type { RunAlarms } from './run-alarms.ts';
import { TroubledRuns } from './troubled-runs.ts';

/** What the watch works with. */
export interface RunWatchPorts {
  readonly store: Pick<RunStore, 'state' | 'load' | 'troubled'>;
  readonly servers: Pick<RestateServers, 'ask'>;
  readonly alarms: Pick<RunAlarms, 'tell' | 'tellHere' | 'over' | 'settled'>;
  readonly options: Pick<EngineOptions, 'clock' | 'log' | 'meter'>;
  readonly times: Pick<ResolvedOptions['times'], 'watchMs' | 'strandedMs'>;
  readonly closing: AbortSignal;
  register(): Promise<void>;
  /** Asks a run to stop. Repeating it changes nothing, whichever process does it. */
  stop(runId: string, reason: string): Promise<void>;
  isDriven(runId: string): boolean;
  /** A run is over, and its end was not told here. */
  release(runId: string): Promise<void>;
}

/** Runs that are looked at together. */
const BATCH = 16;
/** Runs that go on elsewhere as they should, asked about in one look. */
const IN_TURN = 64;

/** Looks after runs from the outside. */
export class RunWatch {
  readonly #ports: RunWatchPorts;
  readonly #known: KnownRuns;
  readonly #troubled: TroubledRuns;
  #answeredAtMs: number;
  #failure: string | undefined;
  #loops: Promise<unknown> = Promise.resolve();

  constructor(ports: RunWatchPorts) {
    this.#ports = ports;
    const { store, alarms, options, closing } = ports;
    this.#answeredAtMs = options.clock.monotonic();
    this.#known = new KnownRuns(options.clock);
    const stop = (known: KnownRun, reason: string): Promise<void> => this.#stop(known, reason);
    this.#troubled = new TroubledRuns({ store, known: this.#known, alarms, options, closing, stop });
  }

  /** Why no run can be started now. */
  get failure(): string | undefined {
    return this.#failure;
  }

  start(): void {
    this.#answeredAtMs = this.#ports.options.clock.monotonic();
    this.#loops = Promise.all([this.#forever(() => this.#once()), this.#forever(() => this.#tellOverdue())]);
  }

  /** Resolves when nothing is done any more, after the engine was closed. */
  async stopped(): Promise<void> {
    await this.#loops;
    await this.#ports.alarms.settled();
  }

  /** This process submitted a run, or drives it, or did until Restate took it away. */
  took(run: PinnedRun): void {
    this.#known.add(run);
  }

  /** Nobody knows whether Restate has this run: it is to stop if it does. */
  doubt(run: PinnedRun, stop: string): void {
    const known = this.#known.add(run);
    known.isDoubted = true;
    known.stop ??= stop;
  }

  /** The end of the run is durable. */
  ended(runId: string): void {
    this.#known.delete(runId);
  }

  /**
   * Asked before an execution begins: a run that is to stop is asked to first, and its next execution finds that out before
   * it does anything. Past its deadline it ends in any case.
   *
   * @throws WorkflowError `LZ_WORKFLOW_CANCELED`, PortError `LZ_JOURNAL_UNAVAILABLE`.
   */
  async assertMayGoOn({ request, deadlineAtMs }: PinnedRun): Promise<void> {
    const known = this.#known.get(request.runId);
    if (known?.stop === undefined || known.isStopped === true) return;
    if (deadlineAtMs < this.#ports.options.clock.now()) return;
    await this.#stop(known, known.stop);
    throw new WorkflowError({
      code: 'LZ_WORKFLOW_CANCELED',
      message: `run ${request.runId} was asked to stop: ${known.stop}`,
    });
  }

  async #forever(look: () => Promise<void>): Promise<void> {
    const { closing, options, times } = this.#ports;
    for (;;) {
      try {
        await options.clock.sleep(times.watchMs, { signal: closing });
      } catch {
        return;
      }
      await look();
    }
  }

  async #once(): Promise<void> {
    if (!(await this.#lookAtIngress())) return;
    await Promise.all([this.#followAll(), this.#troubled.look()]);
  }

  async #lookAtIngress(): Promise<boolean> {
    const { servers, closing, options, times } = this.#ports;
    try {
      if (!(await isKnown(servers, RUN_SERVICE))) await this.#ports.register();
      this.#recover();
      return true;
    } catch (error) {
      if (closing.aborted) return false;
      this.#fail(describeError(error));
      if (options.clock.monotonic() - this.#answeredAtMs >= times.strandedMs) this.#tellStranded();
      return false;
    }
  }

  #fail(reason: string): void {
    const { log, meter } = this.#ports.options;
    if (this.#failure === undefined) {
      log.error('Restate does not answer: no run is started until it does', { error: reason });
      meter?.count('lazarus_journal_errors_total');
    }
    meter?.gauge('lazarus_journal_works', {}, 0);
    this.#failure = reason;
  }

  #recover(): void {
    const { clock, log, meter } = this.#ports.options;
    if (this.#failure !== undefined) log.info('Restate answers again');
    meter?.gauge('lazarus_journal_works', {}, 1);
    this.#failure = undefined;
    this.#answeredAtMs = clock.monotonic();
  }

  /** No server has answered for a while: the people behind the runs that this process had in hand are told at once. */
  #tellStranded(): void {
    for (const known of this.#known.all) {
      known.stop ??= 'no Restate server had answered, and a person was told';
      void tellOnce(known, () =>
        this.#ports.alarms.tellHere(known.run, `no Restate server answers: ${this.#failure ?? ''}`),
      );
    }
  }

  /** Needs no server. */
  async #tellOverdue(): Promise<void> {
    const nowMs = this.#ports.options.clock.monotonic();
    for (const known of this.#known.all) {
      if (nowMs < known.overdueAtMs) continue;
      // Whoever asked for it was told that there is no run, and its time is over wherever it is.
      if (known.isDoubted === true && known.isStopped !== true) {
        this.#known.delete(known.run.request.runId);
        await this.#ports.release(known.run.request.runId);
        continue;
      }
      known.stop ??= 'its time was over, and a person was told';
      void tellOnce(known, () =>
        this.#ports.alarms.tellHere(known.run, 'its time is over, and its end is not known'),
      );
    }
  }

  /** What became of the runs that this process does not drive any more, and of those that are to stop. */
  async #followAll(): Promise<void> {
    await inBatches(this.#due(), BATCH, async (known) => {
      const { runId } = known.run.request;
      try {
        await this.#follow(runId, known);
      } catch (error) {
        if (this.#ports.closing.aborted) return;
        await this.#onUnclear(runId, known, error);
      }
    });
  }

  /** All that are to stop or about to be told as overdue; of the others, those that were not asked about for longest. */
  #due(): readonly KnownRun[] {
    const nowMs = this.#ports.options.clock.monotonic();
    const urgent: KnownRun[] = [];
    const inTurn: KnownRun[] = [];
    for (const known of this.#known.all) {
      const { run, stop, isStopped, isTold, overdueAtMs } = known;
      if (stop !== undefined && isStopped !== true) urgent.push(known);
      else if (this.#ports.isDriven(run.request.runId)) continue;
      else if (isTold !== true && nowMs >= overdueAtMs - OVERDUE_MS) urgent.push(known);
      else if (inTurn.length < IN_TURN) inTurn.push(known);
    }
    for (const known of inTurn) this.#known.putLast(known);
    return [...urgent, ...inTurn];
  }

  async #follow(runId: string, known: KnownRun): Promise<void> {
    const state = await this.#ports.store.state(runId);
    if (state === 'running') {
      if (known.stop !== undefined && known.isStopped !== true) await this.#stop(known, known.stop);
      return;
    }
    // A submission that hangs somewhere may arrive as long as its deadline lies ahead.
    if (state === undefined && known.isDoubted === true && known.isStopped !== true) return;
    if (this.#known.get(runId) !== known || this.#ports.isDriven(runId)) return;
    this.#known.delete(runId);
    if (state === undefined) await this.#onGone(known, 'Restate no longer has it');
    else if (isKilled(state)) await this.#onGone(known, `Restate has ended it: ${state.killed}`);
    else await this.#ports.release(runId);
  }

  async #onGone({ run, isTold = false }: KnownRun, reason: string): Promise<void> {
    this.#troubled.settle(run.request.runId);
    this.#ports.alarms.over(run, reason, isTold);
    await this.#ports.release(run.request.runId);
  }

  /** A server that will say the same again is not asked for ever: once its time is over and somebody knows, that is all. */
  async #onUnclear(runId: string, known: KnownRun, error: unknown): Promise<void> {
    const { log } = this.#ports.options;
    log.warn('what became of a run is not known', { run_id: runId, error: describeError(error) });
    const isFinal = isLazarusError(error) && (error as { readonly retryable?: unknown }).retryable === false;
    if (!isFinal || known.isTold !== true) return;
    this.#known.delete(runId);
    await this.#ports.release(runId);
  }

  async #stop(known: KnownRun, reason: string): Promise<void> {
    await this.#ports.stop(known.run.request.runId, reason);
    known.isStopped = true;
  }
}
