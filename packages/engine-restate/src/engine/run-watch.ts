/**
 * What a process looks at again and again: whether a server takes runs, whether the service is known there, what became of
 * the runs that this process had in hand, and whether Restate gets on with all others. Keeps S10.
 *
 * 1. Whether runs can be started is for the ingress to say. A query that fails is an alarm of its own.
 * 2. A run stays known until its end is known. Where nobody drives it any more, a human is told, once.
 * 3. A run about which a human was told, or of which whoever asked for it believes that there is none, is asked to stop,
 *    and does not go on in this process before it was.
 * 4. That the time of a run is over is told without any server.
 */
import { describeError, isLazarusError, WorkflowError } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';
import { callForHelp } from '@lazarus/dag';
import type { EngineOptions } from '@lazarus/dag';
import type { ResolvedOptions } from '../options.ts';
import type { PinnedRun } from '../run/pinned-run.ts';
import { isKnown } from '../server/register-service.ts';
import type { RestateServers } from '../server/restate-servers.ts';
import { isKilled } from '../server/run-outcome.ts';
import type { Invocation, RunStore } from '../server/run-store.ts';
import { RUN_SERVICE } from '../endpoint/run-endpoint.ts';
import { inBatches } from './batches.ts';

/** What the watch works with. */
export interface RunWatchPorts {
  readonly store: Pick<RunStore, 'state' | 'load' | 'troubled'>;
  readonly servers: Pick<RestateServers, 'ask'>;
  readonly ports: Pick<EngineOptions, 'ports' | 'clock' | 'log' | 'meter'>;
  readonly times: Pick<ResolvedOptions['times'], 'watchMs' | 'strandedMs'>;
  readonly closing: AbortSignal;
  register(): Promise<void>;
  cancel(runId: string, reason: string): Promise<void>;
  isDriven(runId: string): boolean;
  /** A run is over, and its end was not told here. */
  release(runId: string): Promise<void>;
  /** Restate has ended a run by itself, or no longer has it; a human was told. */
  gone(run: PinnedRun, reason: string, page: NonNullable<RunView['page']>): Promise<void>;
}

/** A run that this process had in hand. */
interface Known {
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
const OVERDUE_MS = 60_000;
/** Runs that are looked at together. */
const BATCH = 16;
/** What the server calls a journal that the code does not fit. */
const MISMATCH = new Set(['RT0016', '570']);

/** Looks after runs from the outside. */
export class RunWatch {
  readonly #ports: RunWatchPorts;
  readonly #known = new Map<string, Known>();
  readonly #calls = new Set<Promise<unknown>>();
  #answeredAtMs: number;
  #failure: string | undefined;
  #isBlind = false;
  #loops: Promise<unknown> = Promise.resolve();

  constructor(ports: RunWatchPorts) {
    this.#ports = ports;
    this.#answeredAtMs = ports.ports.clock.monotonic();
  }

  /** Why no run can be started now. */
  get failure(): string | undefined {
    return this.#failure;
  }

  start(): void {
    this.#answeredAtMs = this.#ports.ports.clock.monotonic();
    this.#loops = Promise.all([
      this.#forever(() => this.#once()),
      this.#forever(async () => this.#tellOverdue()),
    ]);
  }

  /** Resolves when nothing is done any more, after the engine was closed. */
  async stopped(): Promise<void> {
    await this.#loops;
    await Promise.all(this.#calls);
  }

  /** This process drives a run, or did until Restate took it away. */
  took(run: PinnedRun): void {
    this.#knownOf(run);
  }

  /** Nobody knows whether Restate has this run: it is to stop if it does. */
  doubt(run: PinnedRun, stop: string): void {
    const known = this.#knownOf(run);
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
    if (deadlineAtMs < this.#ports.ports.clock.now()) return;
    await this.#stop(known, known.stop);
    throw new WorkflowError({
      code: 'LZ_WORKFLOW_CANCELED',
      message: `run ${request.runId} was asked to stop: ${known.stop}`,
    });
  }

  #knownOf(run: PinnedRun): Known {
    const { runId } = run.request;
    const { clock } = this.#ports.ports;
    let known = this.#known.get(runId);
    if (known === undefined) {
      const leftMs = Math.max(0, run.deadlineAtMs - clock.now());
      this.#known.set(runId, (known = { run, overdueAtMs: clock.monotonic() + leftMs + OVERDUE_MS }));
    }
    return known;
  }

  async #forever(look: () => Promise<void>): Promise<void> {
    const { closing, ports, times } = this.#ports;
    for (;;) {
      try {
        await ports.clock.sleep(times.watchMs, { signal: closing });
      } catch {
        return;
      }
      await look();
    }
  }

  async #once(): Promise<void> {
    if (!(await this.#lookAtIngress())) return;
    await Promise.all([this.#followAll(), this.#lookAtTroubled()]);
  }

  async #lookAtIngress(): Promise<boolean> {
    const { servers, closing, ports, times } = this.#ports;
    try {
      if (!(await isKnown(servers, RUN_SERVICE))) await this.#ports.register();
      this.#recover();
      return true;
    } catch (error) {
      if (closing.aborted) return false;
      this.#fail(describeError(error));
      if (ports.clock.monotonic() - this.#answeredAtMs >= times.strandedMs) this.#tellStranded();
      return false;
    }
  }

  #fail(reason: string): void {
    const { log, meter } = this.#ports.ports;
    if (this.#failure === undefined) {
      log.error('Restate does not answer: no run is started until it does', { error: reason });
      meter?.count('lazarus_journal_errors_total');
    }
    meter?.gauge('lazarus_journal_works', {}, 0);
    this.#failure = reason;
  }

  #recover(): void {
    const { clock, log, meter } = this.#ports.ports;
    if (this.#failure !== undefined) log.info('Restate answers again');
    meter?.gauge('lazarus_journal_works', {}, 1);
    this.#failure = undefined;
    this.#answeredAtMs = clock.monotonic();
  }

  /** No server has answered for a while: the people behind the runs that this process had in hand are told at once. */
  #tellStranded(): void {
    for (const known of this.#known.values()) {
      known.stop ??= 'no Restate server had answered, and a person was told';
      this.#tellOnce(known, `no Restate server answers: ${this.#failure ?? ''}`);
    }
  }

  /** Needs no server. */
  #tellOverdue(): void {
    const nowMs = this.#ports.ports.clock.monotonic();
    for (const [runId, known] of this.#known) {
      if (nowMs < known.overdueAtMs) continue;
      // Whoever asked for it was told that there is no run, and its time is over wherever it is.
      if (known.isDoubted === true && known.isStopped !== true) this.#known.delete(runId);
      else {
        known.stop ??= 'its time was over, and a person was told';
        this.#tellOnce(known, 'its time is over, and its end is not known');
      }
    }
  }

  /** What became of the runs that this process does not drive any more, and of those that are to stop. */
  async #followAll(): Promise<void> {
    const due = [...this.#known].filter(
      ([runId, { stop, isStopped }]) =>
        !this.#ports.isDriven(runId) || (stop !== undefined && isStopped !== true),
    );
    await inBatches(due, BATCH, async ([runId, known]) => {
      try {
        await this.#follow(runId, known);
      } catch (error) {
        if (this.#ports.closing.aborted) return;
        await this.#onUnclear(runId, known, error);
      }
    });
  }

  async #follow(runId: string, known: Known): Promise<void> {
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

  async #onGone(known: Known, reason: string): Promise<void> {
    const { run } = known;
    const told = known.isTold === true ? Promise.resolve('escalated' as const) : this.#help(run, reason);
    this.#track(told.then((page) => this.#ports.gone(run, reason, page)));
    await this.#ports.release(run.request.runId);
  }

  /** A server that will say the same again is not asked for ever: once its time is over and somebody knows, that is all. */
  async #onUnclear(runId: string, known: Known, error: unknown): Promise<void> {
    const { log } = this.#ports.ports;
    log.warn('what became of a run is not known', { run_id: runId, error: describeError(error) });
    const isFinal = isLazarusError(error) && (error as { readonly retryable?: unknown }).retryable === false;
    if (!isFinal || known.isTold !== true) return;
    this.#known.delete(runId);
    await this.#ports.release(runId);
  }

  async #stop(known: Known, reason: string): Promise<void> {
    await this.#ports.cancel(known.run.request.runId, reason);
    known.isStopped = true;
  }

  async #lookAtTroubled(): Promise<void> {
    const { store, closing, ports } = this.#ports;
    let troubled: readonly Invocation[];
    try {
      troubled = await store.troubled();
      if (this.#isBlind) ports.log.info('Restate answers queries again');
      this.#isBlind = false;
    } catch (error) {
      if (closing.aborted || this.#isBlind) return;
      this.#isBlind = true;
      ports.log.error('Restate answers no queries: runs in trouble elsewhere are not seen', {
        error: describeError(error),
      });
      ports.meter?.count('lazarus_journal_errors_total');
      return;
    }
    await inBatches(troubled, BATCH, async (invocation) => {
      try {
        await this.#lookAfter(invocation);
      } catch (error) {
        if (closing.aborted) return;
        ports.log.error('a run in trouble could not be looked at', {
          run_id: invocation.runId,
          error: describeError(error),
        });
      }
    });
  }

  /** A run that Restate gave up, or that is past its time, needs a human; a journal that does not fit does so at once. */
  async #lookAfter({ runId, status, retries, failure = '', errorCode = '' }: Invocation): Promise<void> {
    if (this.#known.get(runId)?.isTold === true) return;
    const isHopeless = status === 'paused' || MISMATCH.has(errorCode);
    if (!isHopeless && retries < 2) return;
    const recorded = await this.#ports.store.load(runId);
    if (recorded === undefined) return;
    const isOverdue = recorded.run.deadlineAtMs + OVERDUE_MS < this.#ports.ports.clock.now();
    if (!isHopeless && !isOverdue) return;
    const known = this.#knownOf(recorded.run);
    known.stop ??= `Restate could not go on with it (${status}), and a person was told`;
    this.#tellOnce(known, `Restate cannot go on with it (${status}): ${failure}`);
    if (known.isStopped !== true) await this.#stop(known, known.stop);
  }

  #tellOnce(known: Known, reason: string): void {
    if (known.isTold === true) return;
    known.isTold = true;
    this.#track(this.#help(known.run, reason));
  }

  #help(run: PinnedRun, reason: string): Promise<NonNullable<RunView['page']>> {
    const { ports, clock, log } = this.#ports.ports;
    log.error('a run needs a human', { run_id: run.request.runId, reason });
    return callForHelp(run.request, reason, { ports, clock, log, signal: this.#ports.closing });
  }

  /** Nobody waits for a pager that hangs. */
  #track(work: Promise<unknown>): void {
    const call = work
      .catch((error: unknown) => {
        this.#ports.ports.log.error('a run was not looked after', { error: describeError(error) });
      })
      .finally(() => this.#calls.delete(call));
    this.#calls.add(call);
  }
}
