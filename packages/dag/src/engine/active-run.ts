import { describeError, isLazarusError } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';
import { withTimeout } from '@lazarus/core/time';
import { coordinate } from '../coordinator/coordinate.ts';
import type { CoordinatedRun } from '../coordinator/coordinate.ts';
import { CANCEL_SIGNAL } from '../coordinator/limits.ts';
import type { RunRecord } from '../coordinator/run-handle.ts';
import { stepView } from '../coordinator/run-view.ts';
import type { StepPoint } from '../coordinator/step-body.ts';
import type { StepState } from '../coordinator/step-state.ts';
import type { AlarmClock } from './alarm-clock.ts';
import { holdsBudget } from './budget-point.ts';
import { callForHelp } from './call-for-help.ts';
import { EmbeddedRun, fenced } from './embedded-run.ts';
import type { EngineOptions, EngineTimes, StepProgress } from './engine-options.ts';
import type { GroupCommit } from './group-commit.ts';
import type { LoadedRun, StoredSignal } from './journal.ts';
import { journalView } from './journal-view.ts';
import { RunLock } from './run-lock.ts';

/** What a run that is driven needs from its engine. */
export interface ActiveRunPorts {
  readonly options: EngineOptions;
  readonly times: EngineTimes;
  readonly alarms: AlarmClock;
  readonly writer: GroupCommit;
  readonly owner: string;
  /** Aborts when the engine closes. */
  readonly closing: AbortSignal;
  assertOwned(): Promise<void> | undefined;
}

/** How a run came into the hands of this process. */
export interface Origin {
  /** Monotonic instant of the evidence, when the run was submitted in this process. */
  readonly evidenceAtMs?: number;
  /** Monotonic instant at which its submitter stops waiting, when it was submitted in this process. */
  readonly answerUntilMs?: number;
  /** Why it is to stop at once. */
  readonly cancel?: string;
}

/** How driving ended: with the run's end, or because this process cannot go on. */
export interface DriveEnd {
  readonly view?: RunView;
  readonly error?: unknown;
}

/** Tries of a call that ends a run's hold on something shared; failing it never holds up the end of the run. */
const SETTLE_TRIES = 3;
const SETTLE_MS = 5_000;
const SETTLE_PAUSE_MS = 200;

/** One run in the hands of this process: handle, coordinator, lock, and what happens at the end. */
export class ActiveRun {
  readonly epoch: number;
  readonly #loaded: LoadedRun;
  readonly #ports: ActiveRunPorts;
  readonly #origin: Origin;
  readonly #handle: EmbeddedRun;
  readonly #lock: RunLock;
  readonly #coordinated: CoordinatedRun;
  readonly #halt = new AbortController();
  /** Progress of a run that may turn out to exist already. */
  readonly #untold: StepProgress[] = [];
  /** Signals get consecutive numbers, in the order in which they became durable: the next one that was not handed over. */
  #nextSignal: number;
  #isCreated: boolean;
  #isAccepted: boolean | undefined;
  ended: Promise<void> = Promise.resolve();

  constructor(loaded: LoadedRun, ports: ActiveRunPorts, origin: Origin = {}) {
    const { run, entries, signals } = loaded;
    const { options, times } = ports;
    this.#loaded = loaded;
    this.#ports = ports;
    this.#origin = origin;
    this.epoch = run.epoch;
    this.#isCreated = run.epoch > 1 || entries.length > 0;
    this.#nextSignal = signals.length;
    const canceled = origin.cancel === undefined ? [] : [{ name: CANCEL_SIGNAL, payload: origin.cancel }];
    this.#handle = new EmbeddedRun(run, entries, [...canceled, ...signals], {
      clock: options.clock,
      random: () => options.random.next(),
      alarms: ports.alarms,
      append: (index, entry) => ports.writer.append(run.runId, run.epoch, index, entry),
      assertOwned: () => ports.assertOwned(),
      fence: () => this.#lock.fence,
      isAccepted: () => this.accept(),
      ...(options.onBoundary === undefined
        ? {}
        : { onBoundary: (boundary, key) => options.onBoundary?.(boundary, key) }),
    });
    this.#lock = new RunLock({
      locks: options.locks,
      clock: options.clock,
      target: run.request.lock,
      holder: run.runId,
      ttlMs: times.lockTtlMs,
      waitMs: times.lockWaitMs,
      onLost: (error) => this.#handle.abortBodies(error),
    });
    this.#coordinated = coordinate(this.#handle, {
      actions: options.actions,
      bodies: {
        guard: (record, point, signal) => this.#guard(record, point, signal),
        ports: options.ports,
        clock: options.clock,
        log: options.log,
      },
      onStep: (state) => this.#onStep(state),
    });
  }

  /** Whether the run came about before its submitter stopped waiting; who asks first decides it for all. */
  accept(): boolean {
    const { answerUntilMs = Infinity } = this.#origin;
    this.#isAccepted ??= this.#ports.options.clock.monotonic() < answerUntilMs;
    return this.#isAccepted;
  }

  /** Its submitter has stopped waiting: nothing of it happens here, and what becomes durable of it is canceled. */
  refuse(error: Error): void {
    this.#isAccepted = false;
    this.abandon(error);
  }

  /** The run is known to be new and in the journal; what happened so far may be told. */
  created(): void {
    this.#isCreated = true;
    this.confirm();
    for (const progress of this.#untold.splice(0)) this.#ports.options.onStep?.(progress);
  }

  /** Says in the journal that the submitter knows of the run: from now on every process may go on with it. */
  confirm(): void {
    const { writer, owner } = this.#ports;
    const { runId, epoch } = this.#loaded.run;
    // A journal that fails here fails for the lines of the run, too.
    writer.write({ kind: 'accept', runId, owner, epoch }).catch(() => undefined);
  }

  /** False until the run itself is known to be in the journal. */
  get isCreated(): boolean {
    return this.#isCreated;
  }

  view(): RunView {
    return this.#coordinated.view();
  }

  /** Drives in the background. */
  start(onEnd: (end: DriveEnd) => void): void {
    this.ended = this.#run().then(
      (view) => onEnd({ view }),
      (error: unknown) => onEnd({ error }),
    );
  }

  /** Stops driving here; the run itself goes on with its next owner. */
  abandon(reason: Error): void {
    this.#halt.abort(reason);
    this.#handle.halt(reason);
  }

  /** Hands over what was not handed over yet, out of all signals of the run as the journal has them. */
  handOver(stored: readonly StoredSignal[]): void {
    for (const signal of stored.slice(this.#nextSignal)) this.#handle.deliver(signal);
    this.#nextSignal = Math.max(this.#nextSignal, stored.length);
  }

  /** Resolves when no body of the run is under way here any more. */
  bodiesEnded(): Promise<void> {
    return this.#handle.bodiesEnded();
  }

  /** A body of the run is still under way here. */
  get hasBodies(): boolean {
    return this.#handle.hasBodies;
  }

  /**
   * Gives the lock back once this process no longer drives the run and its last body has ended: the next owner has a lease
   * of its own on it, which would never end as long as this one is renewed. A process that ends before leaves it to its
   * TTL. Keeps S4.
   */
  letGo(): void {
    const gone = this.#handle.hasBodies
      ? this.#handle.bodiesEnded().then(() => this.#lock.release())
      : this.#lock.release();
    gone.catch((error: unknown) => {
      this.#ports.options.log.error('a lock was not released; it expires', {
        run_id: this.#loaded.run.runId,
        error: describeError(error),
      });
    });
  }

  /** The journal failed: a human is told without it. Keeps S10. */
  callForHelp(reason: string): Promise<NonNullable<RunView['page']>> {
    const { options, closing } = this.#ports;
    const { ports, clock, log } = options;
    return callForHelp(this.#loaded.run.request, reason, { ports, clock, log, signal: closing });
  }

  /**
   * Ends a run that the code cannot drive: a human first, then the books. What it did nobody knows, so its budget counts
   * as spent. Keeps S6 and S10.
   *
   * @throws PortError `LZ_JOURNAL_UNAVAILABLE`, LazarusError `LZ_JOURNAL_FENCED`.
   */
  async giveUp(error: unknown): Promise<RunView> {
    const message = describeError(error);
    this.#handle.halt(error instanceof Error ? error : new Error(message));
    const page = await this.callForHelp(message);
    const { clock } = this.#ports.options;
    const view: RunView = {
      ...journalView(this.#loaded),
      status: 'failed',
      page,
      ended_at: new Date(clock.now()).toISOString(),
      error: { code: isLazarusError(error) ? error.code : 'LZ_INVARIANT_BROKEN', message },
    };
    return this.#finish(view, true);
  }

  async #run(): Promise<RunView> {
    const view = await this.#coordinated.execute();
    return this.#finish(view, this.#coordinated.effects().length > 0);
  }

  async #finish(view: RunView, effects: boolean): Promise<RunView> {
    const { writer, options, owner } = this.#ports;
    const { runId, epoch } = this.#loaded.run;
    if (options.budgets !== undefined)
      await this.#quietly('a budget was not settled', async () =>
        options.budgets?.settle(runId, { effects }),
      );
    const endedAtMs = Date.parse(view.ended_at ?? view.started_at);
    const status = view.status === 'running' ? 'failed' : view.status;
    const outcome = await writer.write({ kind: 'finish', runId, owner, epoch, status, endedAtMs, view });
    if (outcome !== 'done') throw fenced(runId);
    if (this.#lock.isHeld)
      await this.#quietly('a lock was not released; it expires', () => this.#lock.release());
    return view;
  }

  /** Lock first, then the budget, then the embedder's guard. A human is told whatever they say. Keeps S3, S4, S6 and S14. */
  async #guard(
    record: RunRecord,
    point: StepPoint,
    signal: AbortSignal,
  ): ReturnType<NonNullable<EngineOptions['guard']>> {
    const isTelling = point.phase === 'on_error' || point.phase === 'finally';
    const { guard, locks, budgets } = this.#ports.options;
    if (isTelling || (locks === undefined && guard === undefined && budgets === undefined))
      return { verdict: 'pass' };
    const lock = await this.#lock.ensure(this.#halt.signal);
    if (!lock.held) return { verdict: 'fail', reason: lock.reason, evidence: { code: 'LZ_LOCK_LOST' } };
    const budget = await holdsBudget(record.request.runId, point, this.#ports.options, signal);
    if (budget.verdict === 'fail') return budget;
    if (guard === undefined || point.phase !== 'steps') return { verdict: 'pass' };
    const { evidenceAtMs } = this.#origin;
    const safePoint = {
      firstDestructive: point.firstDestructive,
      ...(evidenceAtMs === undefined ? {} : { evidenceAtMs }),
    };
    return guard(record.request, safePoint, signal);
  }

  #onStep(state: StepState): void {
    const { options } = this.#ports;
    if (options.onStep === undefined || this.#handle.isReplaying) return;
    const progress = {
      runId: this.#loaded.run.runId,
      workflow: this.#loaded.run.definition.name,
      step: stepView(this.#loaded.run, state),
    };
    if (this.#isCreated) options.onStep(progress);
    else this.#untold.push(progress);
  }

  async #quietly(message: string, work: () => Promise<void>): Promise<void> {
    const { closing, options } = this.#ports;
    const { clock, log } = options;
    for (let tries = 1; ; tries += 1) {
      try {
        await withTimeout(clock, SETTLE_MS, closing, work);
        return;
      } catch (error) {
        if (tries >= SETTLE_TRIES || closing.aborted) {
          log.error(message, { run_id: this.#loaded.run.runId, error: describeError(error) });
          return;
        }
        await clock.sleep(SETTLE_PAUSE_MS);
      }
    }
  }
}
