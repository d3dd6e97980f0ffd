/**
 * The distributed engine: the same workflows, driven on Restate by whichever process it calls.
 *
 * 1. `submit` resolves after Restate has the run durably, with everything that the run is. S1: the run's id is the key of
 *    the workflow, so a second submission finds the first.
 * 2. Restate calls a process, gives it the journal, and takes the run away when the connection is lost. What a process
 *    says that lost a run is refused. S4.
 * 3. A body may run twice, also at the same time in two processes. Its effect happens once, because each repetition asks
 *    "did it happen?" and carries the same idempotency key. S1, S12.
 * 4. When no server answers, no run starts, and the people behind the runs in flight are told. S10.
 */
import { ConfigurationError, describeError, PortError, WorkflowError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import type { Json, RunRequest, RunView, WorkflowEngine } from '@lazarus/core/ports';
import {
  assertActionsExist,
  canRun,
  CANCEL_SIGNAL,
  createKnownWorkflows,
  journalView,
  MAX_ATTEMPT_MS,
  missingPorts,
  resolveInputs,
} from '@lazarus/dag';
import type { EngineOptions, KnownWorkflows, RunQuery, RunSummary, WorkflowDefinition } from '@lazarus/dag';
import type { z } from 'zod';
import type { DurableContext } from '../durable/durable-context.ts';
import { loadSdk } from '../endpoint/load-sdk.ts';
import { INTERPRETER_PATH, openEndpoint, RUN_SERVICE } from '../endpoint/run-endpoint.ts';
import type { RunEndpoint } from '../endpoint/run-endpoint.ts';
import { RestateEngineOptions } from '../options.ts';
import type { ResolvedOptions } from '../options.ts';
import { BodiesInFlight } from '../run/bodies-in-flight.ts';
import { Execution } from '../run/execution.ts';
import type { ExecutionPorts } from '../run/execution.ts';
import { asStoredRun, fromWire, PINNED_FORMAT, pinRun } from '../run/pinned-run.ts';
import type { PinnedRun, PinnedWire } from '../run/pinned-run.ts';
import { readRun } from '../run/read-run.ts';
import { isSealed } from '../run/run-seal.ts';
import { RunLocks } from '../run/run-locks.ts';
import { settleBudget } from '../run/settle-budget.ts';
import { checkOwnVersions, checkServers } from '../server/check-versions.ts';
import { registerService } from '../server/register-service.ts';
import { RestateServers } from '../server/restate-servers.ts';
import { isKilled } from '../server/run-outcome.ts';
import { RunStore } from '../server/run-store.ts';
import { EndedRuns } from './ended-runs.ts';
import { RunWatch } from './run-watch.ts';

/** What the engine acts with: the same as the embedded engine. */
export type RestateEnginePorts = Omit<EngineOptions, 'times' | 'processes' | 'schedule'>;

/** The engine on Restate. */
export interface RestateEngine extends WorkflowEngine {
  /** Sends a signal to a running run; it is durable when the promise resolves. @throws PortError. */
  signal(runId: string, name: string, payload: string | null): Promise<void>;
  /** @throws PortError `LZ_JOURNAL_UNAVAILABLE`. */
  listRuns(query?: RunQuery): Promise<readonly RunSummary[]>;
  /** Replaces the workflows that can be started; runs in flight keep theirs. @throws ConfigurationError. */
  setWorkflows(definitions: readonly WorkflowDefinition[]): void;
  /** Whether runs can be started, and why not. */
  health(): { readonly ok: true } | { readonly ok: false; readonly reason: string };
  /** Runs that this process drives. */
  readonly activeRuns: readonly string[];
  /** Stops driving: Restate gives the runs to another process. */
  close(): Promise<void>;
}

/**
 * Starts to listen for Restate, checks the versions, registers the service, and resolves when runs can be submitted.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`, `LZ_PORT_MISSING`, `LZ_CONFIG_INVALID`; PortError
 * `LZ_JOURNAL_UNAVAILABLE`.
 * @example
 * ```ts
 * const engine = await createRestateEngine(
 *   { servers: [{ ingressUrl: 'http://127.0.0.1:8080', adminUrl: 'http://127.0.0.1:9070' }] },
 *   { actions, workflows, ports, clock, ids, random, log, locks, budgets, guard },
 * );
 * await engine.submit(request);
 * ```
 */
export async function createRestateEngine(
  options: z.input<typeof RestateEngineOptions>,
  ports: RestateEnginePorts,
): Promise<RestateEngine> {
  const resolved = parseOptions('createRestateEngine', RestateEngineOptions, options);
  assertDrivable(ports.workflows, ports);
  const { sdk, version } = await loadSdk();
  checkOwnVersions({ node: process.versions.node, sdk: version });
  const engine = new Engine(resolved, ports);
  try {
    await engine.open((parts) => openEndpoint({ ...parts, sdk, options: resolved, log: ports.log }));
  } catch (error) {
    await engine.close();
    throw error;
  }
  return engine;
}

type OpenEndpoint = (parts: {
  accepts(run: PinnedWire, key: string): boolean;
  drive(run: PinnedWire, context: DurableContext): Promise<RunView>;
}) => Promise<RunEndpoint>;

class Engine implements RestateEngine {
  readonly #options: ResolvedOptions;
  readonly #ports: RestateEnginePorts;
  readonly #servers: RestateServers;
  readonly #store: RunStore;
  readonly #ended: EndedRuns;
  readonly #watch: RunWatch;
  readonly #locks: RunLocks;
  readonly #executionPorts: ExecutionPorts;
  /** The newest execution of each run in this process. */
  readonly #active = new Map<string, Execution>();
  /** Monotonic instants of submissions in this process. */
  readonly #submittedAtMs = new Map<string, number>();
  readonly #closing = new AbortController();
  /** Definitions are looked through once: whether this process has all of their actions, and all of their ports. */
  readonly #runnable = new WeakMap<WorkflowDefinition, boolean>();
  readonly #equipped = new WeakSet<WorkflowDefinition>();
  #executions = 0;
  #workflows: KnownWorkflows;
  #endpoint: RunEndpoint | undefined;

  constructor(options: ResolvedOptions, ports: RestateEnginePorts) {
    const { clock, log, ids } = ports;
    const { times } = options;
    const closing = this.#closing.signal;
    const owner = ids.next('engine');
    this.#options = options;
    this.#ports = ports;
    this.#servers = new RestateServers(options.servers, clock, times.answerMs);
    this.#store = new RunStore(this.#servers, RUN_SERVICE, options.submissionKey);
    this.#ended = new EndedRuns({ store: this.#store, clock, log, meter: ports.meter, closing });
    this.#watch = new RunWatch({
      store: this.#store,
      servers: this.#servers,
      ports,
      times,
      closing,
      register: () => this.#register(),
      cancel: (runId, reason) => this.cancel(runId, reason),
      isDriven: (runId) => this.#active.has(runId),
      release: (runId) => this.#forget(runId),
      gone: (run, reason, page) => this.#onGone(run, reason, page),
    });
    this.#locks = new RunLocks({
      locks: ports.locks,
      clock,
      log,
      ttlMs: times.lockTtlMs,
      waitMs: times.lockWaitMs,
      closing,
    });
    this.#executionPorts = {
      options: ports,
      owner,
      bodies: new BodiesInFlight(),
      nextExecution: () => (this.#executions += 1),
      locks: this.#locks,
      closing,
      evidenceAtMs: (runId) =>
        ports.evidenceAtMs === undefined ? this.#submittedAtMs.get(runId) : ports.evidenceAtMs(runId),
    };
    this.#workflows = createKnownWorkflows(ports.workflows);
  }

  async open(openEndpointFor: OpenEndpoint): Promise<void> {
    const versions = await checkServers(this.#servers);
    this.#endpoint = await openEndpointFor({
      accepts: (run, key) => this.#accepts(run, key),
      drive: (run, context) => this.#drive(run, context),
    });
    await this.#register();
    this.#ports.log.info('runs are driven on Restate', { servers: versions, service: this.#uri() });
    this.#watch.start();
  }

  async submit(request: RunRequest): Promise<'created' | 'exists'> {
    this.#assertOpen();
    const definition = this.#workflows.find(request);
    this.#assertPorts(definition);
    const { actions, clock } = this.#ports;
    const run = pinRun(request, definition, resolveInputs(definition, request), actions, clock.now());
    this.#submittedAtMs.set(request.runId, clock.monotonic());
    try {
      const outcome = await this.#store.submit(run);
      if (outcome === 'exists' && !this.#active.has(request.runId)) this.#submittedAtMs.delete(request.runId);
      return outcome;
    } catch (error) {
      // Whoever asked is told that there is no run; one that was accepted all the same must not act unseen.
      this.#watch.doubt(run, `its submission was not confirmed: ${describeError(error)}`);
      throw error;
    }
  }

  async get(runId: string): Promise<RunView | undefined> {
    const active = this.#active.get(runId);
    if (active !== undefined) return active.view();
    const state = await this.#store.state(runId);
    if (state !== 'running' && !isKilled(state)) return state;
    const recorded = await this.#store.load(runId);
    if (recorded === undefined) return undefined;
    const view = await readRun(recorded, this.#ports);
    return isKilled(state) ? { ...view, ...killedBy(state.killed) } : view;
  }

  async cancel(runId: string, reason: string): Promise<void> {
    await this.#signal(runId, CANCEL_SIGNAL, reason);
  }

  async signal(runId: string, name: string, payload: string | null): Promise<void> {
    await this.#signal(runId, name, payload);
  }

  onFinished(listener: (run: RunView) => void): () => void {
    return this.#ended.onFinished(listener);
  }

  async listRuns({ status, service, limit = 100 }: RunQuery = {}): Promise<readonly RunSummary[]> {
    const state = status === undefined ? undefined : status === 'running' ? 'running' : 'completed';
    // Service and outcome are not known to the query: what does not fit is left out afterwards.
    const found = await this.#store.newest(service === undefined && state === status ? limit : 1_000, state);
    return found
      .map(({ run, view }) => summary(run, view))
      .filter((run) => (status ?? run.status) === run.status && (service ?? run.service) === run.service)
      .slice(0, limit);
  }

  setWorkflows(definitions: readonly WorkflowDefinition[]): void {
    assertDrivable(definitions, this.#ports);
    this.#workflows = createKnownWorkflows(definitions);
  }

  health(): ReturnType<RestateEngine['health']> {
    const { failure } = this.#watch;
    return failure === undefined ? { ok: true } : { ok: false, reason: failure };
  }

  get activeRuns(): readonly string[] {
    return [...this.#active.keys()];
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new DOMException('the engine was closed', 'AbortError'));
    await this.#endpoint?.close();
    await Promise.all([this.#watch.stopped(), this.#ended.settled()]);
  }

  async #signal(runId: string, name: string, payload: Json): Promise<void> {
    await this.#store.signal(runId, { name, payload, key: this.#ports.ids.next('signal') });
  }

  /** Whether one of us submitted this run, as it is and under its own id. A format of later processes is for them to read. */
  #accepts(wire: PinnedWire, key: string): boolean {
    if (wire.request.runId !== key || !isSealed(wire, this.#options.submissionKey)) return false;
    try {
      if ((wire.format as number) === PINNED_FORMAT) fromWire(wire);
      return true;
    } catch {
      return false;
    }
  }

  /** Called by Restate, once for each execution. */
  async #drive(wire: PinnedWire, context: DurableContext): Promise<RunView> {
    const isKnown = (wire.format as number) === PINNED_FORMAT;
    const run = fromWire(wire);
    const { runId } = run.request;
    const canDrive = isKnown && this.#canRun(run.definition);
    if (!canDrive) this.#refuse(run);
    await this.#watch.assertMayGoOn(run);
    const execution = new Execution(run, context, this.#executionPorts);
    this.#active.set(runId, execution);
    this.#watch.took(run);
    context.ended.addEventListener('abort', () => this.#onLeft(execution), { once: true });
    if (!canDrive) return execution.giveUp(timeIsOver(run));
    return execution.drive();
  }

  /** Restate has called the end of an execution: the run has ended, or goes on elsewhere. */
  #onLeft(execution: Execution): void {
    const { run } = execution;
    const { runId } = run.request;
    if (this.#active.get(runId) !== execution) return;
    this.#active.delete(runId);
    if (this.#closing.signal.aborted) return;
    if (execution.hasEnded) {
      this.#ended.expect(runId, async () => {
        this.#watch.ended(runId);
        await this.#forget(runId);
      });
      return;
    }
    this.#locks.leave(runId);
    this.#watch.took(run);
  }

  async #forget(runId: string): Promise<void> {
    this.#submittedAtMs.delete(runId);
    await this.#locks.release(runId);
  }

  /** What the run did nobody knows, so its budget counts as spent. Keeps S6. */
  async #onGone(run: PinnedRun, reason: string, page: NonNullable<RunView['page']>): Promise<void> {
    const { clock } = this.#ports;
    await settleBudget(run.request.runId, true, this.#ports);
    this.#ended.tell({
      ...journalView({ run: asStoredRun(run), entries: [], signals: [] }),
      ...killedBy(reason),
      page,
      ended_at: new Date(clock.now()).toISOString(),
    });
  }

  /**
   * Leaves a run to processes that know its format and all of its actions, until its time is over.
   *
   * @throws WorkflowError `LZ_WORKFLOW_UNKNOWN`.
   */
  #refuse(run: PinnedRun): void {
    if (run.deadlineAtMs < this.#ports.clock.now()) return;
    this.#endpoint?.sendElsewhere();
    throw new WorkflowError({
      code: 'LZ_WORKFLOW_UNKNOWN',
      message: `this process lacks an action of workflow ${run.definition.name}, or does not know its format`,
    });
  }

  #uri(): string {
    const base = this.#options.serviceUrl ?? this.#endpoint?.url ?? '';
    return `${base.replace(/\/$/, '')}${INTERPRETER_PATH}`;
  }

  async #register(): Promise<void> {
    const { clock } = this.#ports;
    const { registerMs } = this.#options.times;
    const signal = this.#closing.signal;
    await registerService(this.#servers, {
      service: RUN_SERVICE,
      uri: this.#uri(),
      clock,
      registerMs,
      signal,
    });
  }

  #assertOpen(): void {
    const reason = this.#closing.signal.aborted ? 'the engine was closed' : this.#watch.failure;
    if (reason === undefined) return;
    throw new PortError({
      code: 'LZ_JOURNAL_UNAVAILABLE',
      message: `no run is started: ${reason}`,
      retryable: !this.#closing.signal.aborted,
    });
  }

  #canRun(definition: WorkflowDefinition): boolean {
    let answer = this.#runnable.get(definition);
    if (answer === undefined)
      this.#runnable.set(definition, (answer = canRun(definition, this.#ports.actions)));
    return answer;
  }

  /** A workflow without its ports is never started; the decision then escalates. */
  #assertPorts(definition: WorkflowDefinition): void {
    if (this.#equipped.has(definition)) return;
    const missing = missingPorts(definition, this.#ports.actions, this.#ports.ports);
    if (missing.length === 0) {
      this.#equipped.add(definition);
      return;
    }
    throw new ConfigurationError({
      code: 'LZ_PORT_MISSING',
      summary: `workflow ${definition.name} cannot start: ${missing.join('; ')}`,
      issues: [],
    });
  }
}

/** Refuses what could not be driven: unknown actions, and calls that Restate would cut off. */
function assertDrivable(definitions: readonly WorkflowDefinition[], { actions }: RestateEnginePorts): void {
  assertActionsExist(definitions, actions);
  for (const { name, steps, onError, finally: last } of definitions) {
    for (const step of [...steps, ...onError.steps, ...last]) {
      if (step.attemptTimeoutMs <= MAX_ATTEMPT_MS) continue;
      throw new ConfigurationError({
        summary: `workflow ${name} allows one call of ${step.id} ${step.attemptTimeoutMs} ms; the longest is ${MAX_ATTEMPT_MS} ms, what takes longer is a poll`,
        issues: [],
      });
    }
  }
}

const killedBy = (message: string) =>
  ({ status: 'failed', error: { code: 'LZ_WORKFLOW_CANCELED', message } }) as const;

function timeIsOver({ definition }: PinnedRun): WorkflowError {
  return new WorkflowError({
    code: 'LZ_WORKFLOW_TIMEOUT',
    message: `its time is over, and no process had every action of ${definition.name}`,
  });
}

function summary({ request, definition, startedAtMs }: PinnedRun, view: RunView | undefined): RunSummary {
  return {
    runId: request.runId,
    workflow: definition.name,
    service: request.service,
    ...(request.hostId === undefined ? {} : { hostId: request.hostId }),
    status: view?.status ?? 'running',
    startedAtMs,
    ...(view?.ended_at === undefined ? {} : { endedAtMs: Date.parse(view.ended_at) }),
  };
}
