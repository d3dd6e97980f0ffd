/**
 * The embedded engine: runs on one disk, driven by whichever process owns them.
 *
 * 1. `submit` resolves after the run is durable. What follows is at most once per completed step, over any crash. It says
 *    that there is no run only when the patience of whoever submits is over, and no process drives a run of which that may
 *    have been said.
 * 2. An owner is a process with a lease. Recovery is a continuous sweep, never an event of the start: it claims runs
 *    whose owner is certainly gone or whose lease ran out, by compare-and-set on the epoch.
 * 3. An owner that was replaced cannot write any more (fenced), and its bodies are aborted. S4.
 * 4. When the journal cannot be written, no run starts, and the people behind running ones are told at once. S10.
 */
import { ConfigurationError, PortError } from '@lazarus/core';
import type { RunRequest, RunView, WorkflowEngine } from '@lazarus/core/ports';
import { CANCEL_SIGNAL } from '../coordinator/limits.ts';
import type { WorkflowDefinition } from '../document/workflow-definition.ts';
import { createSystemProcesses } from './adapters/system-process.ts';
import { systemScheduler } from './adapters/system-scheduler.ts';
import { openSqliteJournal } from './adapters/sqlite-journal.ts';
import type { SqliteJournalOptions } from './adapters/sqlite-journal.ts';
import { findWorker } from './adapters/store-thread.ts';
import type { ActiveRun, Origin } from './active-run.ts';
import { AlarmClock } from './alarm-clock.ts';
import { DrivenRuns } from './driven-runs.ts';
import { fenced } from './embedded-run.ts';
import { assertActionsExist, EngineTimesSchema, missingPorts } from './engine-options.ts';
import type { EngineOptions, EngineTimes } from './engine-options.ts';
import { GroupCommit } from './group-commit.ts';
import { JournalHealth } from './journal-health.ts';
import type { Journal, RunQuery, RunSummary, StoredRun, WriteOutcome } from './journal.ts';
import { createKnownWorkflows } from './known-workflows.ts';
import type { KnownWorkflows } from './known-workflows.ts';
import { OwnerLease } from './owner-lease.ts';
import { RecoverySweep } from './recovery-sweep.ts';
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
  /**
   * Stops driving: runs stay where they are and are taken over by the next process. When a body does not end although it
   * was told to, the runs are not given back at once: the lease of this process runs out. Keeps S4.
   */
  close(): Promise<void>;
}

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
  options: EngineOptions & SqliteJournalOptions,
): Promise<EmbeddedEngine> {
  const thread = options.thread ?? (findWorker() === undefined ? 'main' : 'worker');
  if (thread === 'main' && options.thread === undefined)
    options.log.warn('the code of the journal thread was not found: commits hold up the event loop');
  return createEngine(await openSqliteJournal({ file: options.file, thread }), options);
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
  readonly #owner: string;
  readonly #writer: GroupCommit;
  readonly #lease: OwnerLease;
  readonly #alarms: AlarmClock;
  readonly #health: JournalHealth;
  readonly #runs: DrivenRuns;
  readonly #recovery: RecoverySweep;
  /** Submissions on their way: the same run is never created twice at once. */
  readonly #submitting = new Map<string, Promise<'created' | 'exists'>>();
  /** Ports that a workflow needs and that are not there. */
  readonly #missing = new WeakMap<WorkflowDefinition, readonly string[]>();
  readonly #closing = new AbortController();
  #workflows: KnownWorkflows;
  #sweeping: Promise<void> = Promise.resolve();

  constructor(journal: Journal, options: EngineOptions) {
    const times = EngineTimesSchema.parse(options.times ?? {});
    const processes = options.processes ?? createSystemProcesses();
    const closing = this.#closing.signal;
    this.#journal = journal;
    this.#options = options;
    this.#times = times;
    this.#owner = options.ids.next('engine');
    this.#writer = new GroupCommit(journal, this.#owner, options.schedule ?? systemScheduler);
    this.#alarms = new AlarmClock(options.clock);
    this.#health = new JournalHealth(options.log, options.meter);
    this.#lease = new OwnerLease({
      journal,
      clock: options.clock,
      owner: this.#owner,
      process: processes.self,
      ttlMs: times.leaseTtlMs,
      onRenewed: (owned) => this.#runs.keepOnly(owned),
    });
    const shared = { options, times, owner: this.#owner, writer: this.#writer, lease: this.#lease, closing };
    this.#runs = new DrivenRuns({ ...shared, alarms: this.#alarms, health: this.#health });
    this.#recovery = new RecoverySweep({
      ...shared,
      journal,
      processes,
      runs: this.#runs,
      health: this.#health,
    });
    this.#workflows = createKnownWorkflows(options.workflows);
  }

  async open(): Promise<void> {
    this.#reportUnstartable();
    await this.#recovery.once();
    this.#health.assertWorks();
    this.#sweeping = this.#recovery.forever();
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

  async get(runId: string): Promise<RunView | undefined> {
    const active = this.#runs.get(runId);
    if (active !== undefined) return active.view();
    return readRun(this.#journal, runId, this.#options);
  }

  async cancel(runId: string, reason: string): Promise<void> {
    await this.signal(runId, CANCEL_SIGNAL, reason);
  }

  async signal(runId: string, name: string, payload: string | null): Promise<void> {
    const signal = { name, payload };
    const outcome = await this.#writer.write({ kind: 'signal', runId, signal });
    if (outcome === 'done') await this.#recovery.handOver(runId);
  }

  onFinished(listener: (run: RunView) => void): () => void {
    return this.#runs.onFinished(listener);
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
    const { failure } = this.#health;
    return failure === undefined ? { ok: true } : { ok: false, reason: failure };
  }

  get activeRuns(): readonly string[] {
    return this.#runs.ids;
  }

  get commits(): number {
    return this.#journal.commits;
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const reason = new DOMException('the engine was closed', 'AbortError');
    this.#closing.abort(reason);
    this.#alarms.close();
    const [busy] = await Promise.all([this.#runs.close(reason), this.#sweeping]);
    if (busy.length === 0) await this.#lease.end().catch(() => undefined);
    else
      this.#options.log.warn(
        'bodies of runs do not end although they were told to: the lease and the locks of these runs are left to run out, so that nobody acts beside them',
        { run_ids: busy, lease_ms: this.#times.leaseTtlMs, lock_ms: this.#times.lockTtlMs },
      );
    await this.#journal.close();
  }

  async #create(
    request: RunRequest,
    definition: WorkflowDefinition,
    inputs: StoredRun['inputs'],
  ): Promise<'created' | 'exists'> {
    const { runId } = request;
    if (this.#runs.has(runId)) return 'exists';
    const { clock } = this.#options;
    const nowMs = clock.now();
    const answerUntilMs = clock.monotonic() + this.#times.submitWithinMs;
    const run: StoredRun = {
      runId,
      request,
      definition,
      inputs,
      startedAtMs: nowMs,
      deadlineAtMs: nowMs + request.timeoutMs,
      epoch: 1,
      answerByMs: nowMs + this.#times.submitWithinMs,
    };
    const created = this.#writer.write({ kind: 'create', owner: this.#owner, run });
    const origin = { answerUntilMs, ...this.#evidenceOf(runId) };
    const active = this.#runs.drive({ run, entries: [], signals: [] }, origin);
    const outcome = await this.#answer(created, active, answerUntilMs);
    if (outcome === 'done') {
      active.created();
      return 'created';
    }
    active.abandon(fenced(runId));
    await active.ended;
    return 'exists';
  }

  /**
   * Waits for the journal as long as the submitter waits, and never says earlier that there is no run: as long as its
   * answer is open, a run that turns out to be durable may be taken up by whoever finds it.
   */
  async #answer(
    created: Promise<WriteOutcome>,
    active: ActiveRun,
    answerUntilMs: number,
  ): Promise<WriteOutcome> {
    const { clock } = this.#options;
    const outcome = await new Promise<WriteOutcome | undefined>((resolve, reject) => {
      const cancel = this.#alarms.set(answerUntilMs, () => resolve(undefined));
      created.then(resolve, reject).finally(cancel);
    }).catch(async (error: unknown) => {
      await clock.sleep(Math.max(0, answerUntilMs - clock.monotonic()));
      throw error;
    });
    if (outcome !== undefined && (outcome !== 'done' || active.accept())) return outcome;
    const late = new PortError({
      code: 'LZ_JOURNAL_UNAVAILABLE',
      message: 'the journal has not answered in time',
      retryable: true,
    });
    active.refuse(late);
    throw late;
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted)
      throw new PortError({
        code: 'LZ_JOURNAL_UNAVAILABLE',
        message: 'the engine was closed',
        retryable: false,
      });
    this.#health.assertWorks();
  }

  /** A workflow without its ports is never started; the decision then escalates. */
  #assertPorts(definition: WorkflowDefinition): void {
    const missing = this.#missingPorts(definition);
    if (missing.length === 0) return;
    throw new ConfigurationError({
      code: 'LZ_PORT_MISSING',
      summary: `workflow ${definition.name} cannot start: ${missing.join('; ')}`,
      issues: [],
    });
  }

  #missingPorts(definition: WorkflowDefinition): readonly string[] {
    let missing = this.#missing.get(definition);
    if (missing === undefined) {
      missing = missingPorts(definition, this.#options.actions, this.#options.ports);
      this.#missing.set(definition, missing);
    }
    return missing;
  }

  #reportUnstartable(): void {
    for (const definition of this.#workflows.newest) {
      const missing = this.#missingPorts(definition);
      if (missing.length > 0)
        this.#options.log.debug('a workflow cannot be started here', { workflow: definition.name, missing });
    }
  }

  #evidenceOf(runId: string): Pick<Origin, 'evidenceAtMs'> {
    const { evidenceAtMs, clock } = this.#options;
    const atMs = evidenceAtMs === undefined ? clock.monotonic() : evidenceAtMs(runId);
    return atMs === undefined ? {} : { evidenceAtMs: atMs };
  }
}
