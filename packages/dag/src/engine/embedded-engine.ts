/**
 * The embedded engine: runs on one disk, driven by whichever process owns them.
 *
 * 1. `submit` resolves after the run is durable. What follows is at most once per completed step, over any crash.
 * 2. An owner is a process with a lease. Recovery is a continuous sweep, never an event of the start: it claims runs
 *    whose owner is certainly gone or whose lease ran out, by compare-and-set on the epoch.
 * 3. An owner that was replaced cannot write any more (fenced), and its bodies are aborted. S4.
 * 4. When the journal cannot be written, no run starts, and the people behind running ones are told at once. S10.
 */
import { ConfigurationError, describeError, isLazarusError, PortError } from '@lazarus/core';
import type { RunRequest, RunView, WorkflowEngine } from '@lazarus/core/ports';
import { CANCEL_SIGNAL } from '../coordinator/limits.ts';
import type { WorkflowDefinition } from '../document/workflow-definition.ts';
import { ActiveRun } from './active-run.ts';
import { createSystemProcesses } from './adapters/system-process.ts';
import type { Processes } from './adapters/system-process.ts';
import { systemScheduler } from './adapters/system-scheduler.ts';
import { openSqliteJournal } from './adapters/sqlite-journal.ts';
import { AlarmClock } from './alarm-clock.ts';
import { fenced } from './embedded-run.ts';
import { assertActionsExist, canRun, EngineTimesSchema, missingPorts } from './engine-options.ts';
import type { EngineOptions, EngineTimes } from './engine-options.ts';
import { GroupCommit } from './group-commit.ts';
import type { Journal, LoadedRun, RunQuery, RunSummary, StoredRun } from './journal.ts';
import { createKnownWorkflows } from './known-workflows.ts';
import type { KnownWorkflows } from './known-workflows.ts';
import { OwnerLease } from './owner-lease.ts';
import { readRun } from './run-reader.ts';
import { resolveInputs } from './run-inputs.ts';

/** The embedded engine. */
export interface EmbeddedEngine extends WorkflowEngine {
  /** Sends a signal to a running run; it is durable when the promise resolves. */
  signal(runId: string, name: string, payload: Parameters<WorkflowEngine['cancel']>[1] | null): Promise<void>;
  listRuns(query?: RunQuery): Promise<readonly RunSummary[]>;
  /** Replaces the workflows that can be started; runs in flight keep theirs. @throws ConfigurationError. */
  setWorkflows(definitions: readonly WorkflowDefinition[]): void;
  /** Whether runs can be started, and why not. */
  health(): { readonly ok: true } | { readonly ok: false; readonly reason: string };
  /** Runs that this process drives. */
  readonly activeRuns: readonly string[];
  /** Transactions made durable by this process. */
  readonly commits: number;
  /** Stops driving: runs stay where they are and are taken over by the next process. */
  close(): Promise<void>;
}

/** Runs claimed in one sweep, so that a huge backlog does not start at once. */
const CLAIM_MAX = 50;

/** Sweeps between two rounds of compaction. */
const PRUNE_EVERY_SWEEPS = 60;

/**
 * Opens the journal in `file` and starts to drive: runs without an owner are taken over before this resolves.
 *
 * @throws PortError `LZ_JOURNAL_UNAVAILABLE`, ConfigurationError `LZ_CONFIG_INVALID` when a workflow calls an unknown action.
 * @example
 * ```ts
 * const engine = await createEmbeddedEngine({ file: '.lazarus/runs.db', actions, workflows, ports, clock, ids, random, log });
 * await engine.submit(request);
 * ```
 */
export async function createEmbeddedEngine(
  options: EngineOptions & { readonly file: string },
): Promise<EmbeddedEngine> {
  return createEngine(await openSqliteJournal({ file: options.file }), options);
}

/** The engine over an open journal, which it closes. */
export async function createEngine(journal: Journal, options: EngineOptions): Promise<EmbeddedEngine> {
  assertActionsExist(options.workflows, options.actions);
  const engine = new Engine(journal, options);
  try {
    await engine.open();
  } catch (error) {
    await engine.close();
    throw error;
  }
  return engine;
}

class Engine implements EmbeddedEngine {
  readonly #journal: Journal;
  readonly #options: EngineOptions;
  readonly #times: EngineTimes;
  readonly #processes: Processes;
  readonly #owner: string;
  readonly #writer: GroupCommit;
  readonly #lease: OwnerLease;
  readonly #alarms: AlarmClock;
  readonly #active = new Map<string, ActiveRun>();
  /** Runs that stopped because the journal failed; they are canceled once it works again. */
  readonly #stranded = new Map<string, StoredRun>();
  readonly #listeners = new Set<(run: RunView) => void>();
  /** Submissions on their way: the same run is never created twice at once. */
  readonly #submitting = new Map<string, Promise<'created' | 'exists'>>();
  readonly #closing = new AbortController();
  #workflows: KnownWorkflows;
  #sweeps = 0;
  #failure: string | undefined;
  #sweeping: Promise<void> = Promise.resolve();

  constructor(journal: Journal, options: EngineOptions) {
    this.#journal = journal;
    this.#options = options;
    this.#times = EngineTimesSchema.parse(options.times ?? {});
    this.#processes = options.processes ?? createSystemProcesses();
    this.#owner = options.ids.next('engine');
    this.#writer = new GroupCommit(journal, this.#owner, options.schedule ?? systemScheduler);
    this.#alarms = new AlarmClock(options.clock);
    this.#lease = new OwnerLease({
      journal,
      clock: options.clock,
      owner: this.#owner,
      process: this.#processes.self,
      ttlMs: this.#times.leaseTtlMs,
      onRenewed: (owned) => this.#letGo(owned),
    });
    this.#workflows = createKnownWorkflows(options.workflows);
  }

  async open(): Promise<void> {
    this.#reportUnstartable();
    await this.#sweep();
    if (this.#failure !== undefined)
      throw new PortError({ code: 'LZ_JOURNAL_UNAVAILABLE', message: this.#failure, retryable: true });
    this.#sweeping = this.#sweepForever();
  }

  async submit(request: RunRequest): Promise<'created' | 'exists'> {
    this.#assertOpen();
    const definition = this.#workflows.find(request);
    this.#assertPorts(definition);
    const inputs = resolveInputs(definition, request);
    const { runId } = request;
    const other = this.#submitting.get(runId);
    if (other !== undefined) {
      await other;
      return 'exists';
    }
    const submitting = this.#create(request, definition, inputs).finally(() =>
      this.#submitting.delete(runId),
    );
    this.#submitting.set(runId, submitting);
    return submitting;
  }

  async #create(
    request: RunRequest,
    definition: WorkflowDefinition,
    inputs: StoredRun['inputs'],
  ): Promise<'created' | 'exists'> {
    if (this.#active.has(request.runId) || (await this.#journal.has(request.runId))) return 'exists';
    const nowMs = this.#options.clock.now();
    const run: StoredRun = {
      runId: request.runId,
      request,
      definition,
      inputs,
      startedAtMs: nowMs,
      deadlineAtMs: nowMs + request.timeoutMs,
      epoch: 1,
    };
    const created = this.#writer.write({ kind: 'create', owner: this.#owner, run });
    const active = this.#drive({ run, entries: [], signals: [] }, this.#evidenceAtMs(request.runId));
    const outcome = await created;
    if (outcome === 'done') return 'created';
    active.abandon(fenced(request.runId));
    return 'exists';
  }

  async get(runId: string): Promise<RunView | undefined> {
    const active = this.#active.get(runId);
    if (active !== undefined) return active.view();
    return readRun(this.#journal, runId, this.#options);
  }

  async cancel(runId: string, reason: string): Promise<void> {
    await this.signal(runId, CANCEL_SIGNAL, reason);
  }

  async signal(runId: string, name: string, payload: string | null): Promise<void> {
    const signal = { name, payload };
    const outcome = await this.#writer.write({ kind: 'signal', runId, signal });
    if (outcome === 'done') this.#active.get(runId)?.deliver(signal);
  }

  onFinished(listener: (run: RunView) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async listRuns(query: RunQuery = {}): Promise<readonly RunSummary[]> {
    return this.#journal.list(query);
  }

  setWorkflows(definitions: readonly WorkflowDefinition[]): void {
    assertActionsExist(definitions, this.#options.actions);
    this.#workflows = createKnownWorkflows(definitions);
    this.#reportUnstartable();
  }

  health(): ReturnType<EmbeddedEngine['health']> {
    return this.#failure === undefined ? { ok: true } : { ok: false, reason: this.#failure };
  }

  get activeRuns(): readonly string[] {
    return [...this.#active.keys()];
  }

  get commits(): number {
    return this.#journal.commits;
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new DOMException('the engine was closed', 'AbortError'));
    this.#alarms.close();
    const active = [...this.#active.values()];
    for (const run of active) run.abandon(new DOMException('the engine was closed', 'AbortError'));
    await Promise.allSettled([this.#sweeping, ...active.map((run) => run.ended)]);
    await this.#lease.end().catch(() => undefined);
    await this.#journal.close();
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted)
      throw new PortError({
        code: 'LZ_JOURNAL_UNAVAILABLE',
        message: 'the engine was closed',
        retryable: false,
      });
    if (this.#failure !== undefined)
      throw new PortError({
        code: 'LZ_JOURNAL_UNAVAILABLE',
        message: `no run is started: ${this.#failure}`,
        retryable: true,
      });
  }

  /** A workflow without its ports is never started; the decision then escalates. */
  #assertPorts(definition: WorkflowDefinition): void {
    const missing = missingPorts(definition, this.#options.actions, this.#options.ports);
    if (missing.length === 0) return;
    throw new ConfigurationError({
      code: 'LZ_PORT_MISSING',
      summary: `workflow ${definition.name} cannot start: ${missing.join('; ')}`,
      issues: [],
    });
  }

  #reportUnstartable(): void {
    for (const definition of this.#workflows.newest) {
      const missing = missingPorts(definition, this.#options.actions, this.#options.ports);
      if (missing.length > 0)
        this.#options.log.debug('a workflow cannot be started here', { workflow: definition.name, missing });
    }
  }

  #evidenceAtMs(runId: string): number | undefined {
    const { evidenceAtMs, clock } = this.#options;
    return evidenceAtMs === undefined ? clock.monotonic() : evidenceAtMs(runId);
  }

  #drive(loaded: LoadedRun, evidenceAtMs?: number): ActiveRun {
    const { run } = loaded;
    const active = new ActiveRun(loaded, {
      options: this.#options,
      times: this.#times,
      alarms: this.#alarms,
      writer: this.#writer,
      owner: this.#owner,
      assertOwned: () => this.#lease.assertOwned(run),
      ...(evidenceAtMs === undefined ? {} : { evidenceAtMs }),
    });
    this.#active.set(run.runId, active);
    active.start((end) => this.#onEnd(active, run, end));
    return active;
  }

  #onEnd(
    active: ActiveRun,
    run: StoredRun,
    end: { readonly view?: RunView; readonly error?: unknown },
  ): void {
    if (this.#active.get(run.runId) === active) this.#active.delete(run.runId);
    if (end.view !== undefined) {
      this.#announce(end.view);
      return;
    }
    if (this.#closing.signal.aborted) return;
    const code = isLazarusError(end.error) ? end.error.code : '';
    if (code === 'LZ_JOURNAL_FENCED') {
      this.#options.log.warn('a run was taken over by another process', { run_id: run.runId });
      return;
    }
    this.#options.log.error('a run cannot go on', { run_id: run.runId, error: describeError(end.error) });
    if (code === 'LZ_JOURNAL_UNAVAILABLE') {
      this.#fail(describeError(end.error));
      this.#stranded.set(run.runId, run);
    }
    void active.callForHelp(describeError(end.error));
  }

  #announce(view: RunView): void {
    this.#options.meter?.count('lazarus_runs_finished_total', {
      workflow: view.workflow,
      status: view.status,
    });
    for (const listener of [...this.#listeners]) {
      try {
        listener(view);
      } catch (error) {
        this.#options.log.error('a listener of finished runs failed', {
          run_id: view.run_id,
          error: describeError(error),
        });
      }
    }
  }

  /** Runs that were taken over are let go. */
  #letGo(owned: ReadonlyMap<string, number>): void {
    for (const [runId, active] of this.#active) {
      if (active.isCreated && owned.get(runId) !== active.epoch) active.abandon(fenced(runId));
    }
  }

  async #sweepForever(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#options.clock.sleep(this.#times.sweepMs, { signal });
      } catch {
        return;
      }
      await this.#sweep();
    }
  }

  async #sweep(): Promise<void> {
    try {
      if (this.#lease.isDue || this.#failure !== undefined) await this.#lease.renew();
      await this.#reviveStranded();
      await this.#fetchSignals();
      await this.#claim();
      this.#sweeps += 1;
      if (this.#sweeps % PRUNE_EVERY_SWEEPS === 0) {
        await this.#journal.prune(this.#options.clock.now(), {
          entriesMs: this.#times.keepEntriesMs,
          runsMs: this.#times.keepRunsMs,
        });
      }
      if (this.#failure !== undefined) this.#options.log.info('the workflow journal works again');
      this.#failure = undefined;
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#fail(describeError(error));
    }
  }

  #fail(reason: string): void {
    if (this.#failure === undefined) {
      this.#options.log.error('the workflow journal failed: no run is started until it works', {
        error: reason,
      });
      this.#options.meter?.count('lazarus_journal_errors_total');
    }
    this.#failure = reason;
  }

  /** A human was told about these runs: they stop at their next safe point. */
  async #reviveStranded(): Promise<void> {
    for (const run of [...this.#stranded.values()]) {
      const signal = {
        name: CANCEL_SIGNAL,
        payload: 'the workflow journal had failed, and a person was told',
      };
      const outcome = await this.#writer.write({ kind: 'signal', runId: run.runId, signal });
      const loaded = outcome === 'done' ? await this.#journal.load(run.runId) : undefined;
      this.#stranded.delete(run.runId);
      if (loaded?.run.epoch === run.epoch) this.#drive(loaded);
    }
  }

  async #fetchSignals(): Promise<void> {
    if (this.#active.size === 0 || !(await this.#journal.changedByOthers())) return;
    for (const [runId, active] of this.#active) {
      if (active.isCreated) active.reconcileSignals(await this.#journal.signals(runId));
    }
  }

  async #claim(): Promise<void> {
    const claimed = await this.#journal.claim({
      owner: this.#owner,
      nowMs: this.#options.clock.now(),
      max: CLAIM_MAX,
      isGone: (process) => this.#processes.isGone(process),
      canRun: (definition) => canRun(definition, this.#options.actions),
    });
    for (const loaded of claimed) {
      this.#options.log.info('a run is taken over', {
        run_id: loaded.run.runId,
        epoch: loaded.run.epoch,
        lines: loaded.entries.length,
      });
      this.#drive(loaded);
    }
  }
}
