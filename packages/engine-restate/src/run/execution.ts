/**
 * One execution of a run: from the journal to where it ends, or to where Restate takes it away. A run may have several,
 * one after the other, in different processes; all but the last leave nothing behind.
 */
import { describeError, isLazarusError } from '@lazarus/core';
import type { LeaseLostError, Verdict } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';
import { callForHelp, coordinate, holdsBudget, journalView, stepView } from '@lazarus/dag';
import type { CoordinatedRun, EngineOptions, RunLock, RunRecord, StepPoint, StepState } from '@lazarus/dag';
import type { DurableContext } from '../durable/durable-context.ts';
import type { BodiesInFlight } from './bodies-in-flight.ts';
import { nextTurn } from './next-turn.ts';
import { asStoredRun } from './pinned-run.ts';
import type { PinnedRun } from './pinned-run.ts';
import { RestateRun } from './restate-run.ts';
import type { RunLocks } from './run-locks.ts';
import { settleBudget } from './settle-budget.ts';

/** The parts of a process that every execution uses. */
export interface ExecutionPorts {
  readonly options: Omit<EngineOptions, 'times' | 'workflows'>;
  readonly owner: string;
  readonly bodies: BodiesInFlight;
  readonly locks: RunLocks;
  readonly closing: AbortSignal;
  /** Whether this process was not stopped a moment ago. */
  isAwake(): boolean;
  /** Numbers the executions of this process. */
  nextExecution(): number;
  /** Monotonic instant of the evidence, when the run was submitted in this process. */
  evidenceAtMs(runId: string): number | undefined;
}

/** One execution. */
export class Execution {
  readonly run: PinnedRun;
  readonly #ports: ExecutionPorts;
  readonly #context: DurableContext;
  readonly #handle: RestateRun;
  readonly #lock: RunLock;
  readonly #coordinated: CoordinatedRun;
  #hasEnded = false;

  constructor(run: PinnedRun, context: DurableContext, ports: ExecutionPorts) {
    const { options, owner, bodies } = ports;
    this.run = run;
    this.#ports = ports;
    this.#context = context;
    this.#handle = new RestateRun(run, context, {
      clock: options.clock,
      random: () => options.random.next(),
      by: `${owner}/${ports.nextExecution()}`,
      bodies,
      turn: nextTurn,
      isAwake: () => ports.isAwake(),
      fence: () => this.#lock.fence,
      onBoundary: options.onBoundary,
    });
    this.#lock = ports.locks.take(run.request, (error: LeaseLostError) => this.#handle.abortBodies(error));
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

  /** The run as this execution knows it. */
  view(): RunView {
    return this.#coordinated.view();
  }

  /** The run came to its end here, which may not be durable yet. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Drives the run to its end; never settles when Restate takes it away before. */
  async drive(): Promise<RunView> {
    try {
      await this.#handle.begin();
      const view = await this.#coordinated.execute();
      await this.#settle(this.#coordinated.effects().length > 0);
      this.#hasEnded = true;
      return view;
    } catch (error) {
      if (this.#context.ended.aborted) throw error;
      return this.giveUp(error);
    }
  }

  /**
   * Ends a run that the code cannot drive: a human first, then the books. What it did nobody knows, so its budget counts as
   * spent. Keeps S6 and S10.
   */
  async giveUp(error: unknown): Promise<RunView> {
    const message = describeError(error);
    const { clock, log, ports } = this.#ports.options;
    log.error('a run cannot go on', { run_id: this.run.request.runId, error: message });
    this.#handle.abortBodies(error instanceof Error ? error : new Error(message));
    const page = await callForHelp(this.run.request, message, {
      ports,
      clock,
      log,
      signal: this.#context.ended,
    });
    await this.#settle(true);
    this.#hasEnded = true;
    return {
      ...journalView({ run: asStoredRun(this.run), entries: [], signals: [] }),
      steps: this.view().steps,
      status: 'failed',
      page,
      ended_at: new Date(clock.now()).toISOString(),
      error: { code: isLazarusError(error) ? error.code : 'LZ_INVARIANT_BROKEN', message },
    };
  }

  /** Lock first, then the budget, then the embedder's guard. A human is told whatever they say. Keeps S3, S4, S6 and S14. */
  async #guard(record: RunRecord, point: StepPoint, signal: AbortSignal): Promise<Verdict> {
    if (point.phase === 'on_error' || point.phase === 'finally') return { verdict: 'pass' };
    // Steps that begin together share one acquisition, and the end of one attempt must not end it for the others.
    const lock = await this.#lock.ensure(this.#ports.closing);
    signal.throwIfAborted();
    if (!lock.held) return { verdict: 'fail', reason: lock.reason, evidence: { code: 'LZ_LOCK_LOST' } };
    const budget = await holdsBudget(record.request.runId, point, this.#ports.options, signal);
    if (budget.verdict === 'fail') return budget;
    const { guard } = this.#ports.options;
    if (guard === undefined || point.phase !== 'steps') return { verdict: 'pass' };
    const evidenceAtMs = this.#ports.evidenceAtMs(record.request.runId);
    const safePoint = {
      firstDestructive: point.firstDestructive,
      ...(evidenceAtMs === undefined ? {} : { evidenceAtMs }),
    };
    return guard(record.request, safePoint, signal);
  }

  #onStep(state: StepState): void {
    const { onStep } = this.#ports.options;
    if (onStep === undefined || !this.#handle.isLive) return;
    const { request, definition } = this.run;
    onStep({ runId: request.runId, workflow: definition.name, step: stepView(this.run, state) });
  }

  #settle(effects: boolean): Promise<void> {
    return settleBudget(this.run.request.runId, effects, this.#ports.options);
  }
}
