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
import { describeError, PortError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import type { RunRequest, RunView, WorkflowEngine } from '@lazarus/core/ports';
import { CANCEL_SIGNAL, resolveInputs } from '@lazarus/dag';
import type { EngineOptions, RunQuery, RunSummary, WorkflowDefinition } from '@lazarus/dag';
import type { z } from 'zod';
import { loadSdk } from '../endpoint/load-sdk.ts';
import { openEndpoint } from '../endpoint/run-endpoint.ts';
import type { RunEndpoint, RunEndpointParts } from '../endpoint/run-endpoint.ts';
import { INTERPRETER_PATH, RUN_SERVICE } from '../endpoint/run-service.ts';
import { RestateEngineOptions } from '../options.ts';
import type { ResolvedOptions } from '../options.ts';
import { BodiesInFlight } from '../run/bodies-in-flight.ts';
import type { ExecutionPorts } from '../run/execution.ts';
import { pinRun } from '../run/pinned-run.ts';
import { readRun } from '../run/read-run.ts';
import { RunLocks } from '../run/run-locks.ts';
import { Wakefulness } from '../run/wakefulness.ts';
import { checkOwnVersions, checkServers } from '../server/check-versions.ts';
import { registerService } from '../server/register-service.ts';
import { RestateServers } from '../server/restate-servers.ts';
import { isKilled } from '../server/run-outcome.ts';
import { RunStore } from '../server/run-store.ts';
import { DrivableWorkflows } from './drivable-workflows.ts';
import { EndedRuns } from './ended-runs.ts';
import { RunAlarms } from './run-alarms.ts';
import { RunDriver } from './run-driver.ts';
import { killedBy, summaryOf } from './run-summary.ts';
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
  const workflows = new DrivableWorkflows(ports);
  const { sdk, version } = await loadSdk();
  checkOwnVersions({ node: process.versions.node, sdk: version });
  const engine = new Engine(resolved, ports, workflows);
  try {
    await engine.open((parts) => openEndpoint({ ...parts, sdk, options: resolved, log: ports.log }));
  } catch (error) {
    await engine.close();
    throw error;
  }
  return engine;
}

type OpenEndpoint = (
  parts: Pick<RunEndpointParts, 'accepts' | 'drive' | 'answer' | 'isAwake'>,
) => Promise<RunEndpoint>;

class Engine implements RestateEngine {
  readonly #options: ResolvedOptions;
  readonly #ports: RestateEnginePorts;
  readonly #workflows: DrivableWorkflows;
  readonly #servers: RestateServers;
  readonly #store: RunStore;
  readonly #ended: EndedRuns;
  readonly #alarms: RunAlarms;
  readonly #watch: RunWatch;
  readonly #locks: RunLocks;
  readonly #driver: RunDriver;
  readonly #wakefulness: Wakefulness;
  /** Monotonic instants of submissions in this process. */
  readonly #submittedAtMs = new Map<string, number>();
  readonly #closing = new AbortController();
  #endpoint: RunEndpoint | undefined;

  constructor(options: ResolvedOptions, ports: RestateEnginePorts, workflows: DrivableWorkflows) {
    const { clock, log } = ports;
    const { times, submissionKey } = options;
    const closing = this.#closing.signal;
    this.#options = options;
    this.#ports = ports;
    this.#workflows = workflows;
    this.#wakefulness = new Wakefulness(clock, () => {
      log.warn('this process was stopped for a while: Restate is asked to call again');
      this.#endpoint?.drop();
    });
    this.#servers = new RestateServers(options.servers, clock, times.answerMs);
    const store = (this.#store = new RunStore(this.#servers, RUN_SERVICE, submissionKey));
    const ended = (this.#ended = new EndedRuns({ store, clock, log, meter: ports.meter, closing }));
    const alarms = (this.#alarms = new RunAlarms({ store, ended, options: ports, closing }));
    const watch = (this.#watch = this.#createWatch());
    const locks = (this.#locks = this.#createLocks());
    this.#driver = new RunDriver({
      workflows,
      ended,
      watch,
      alarms,
      locks,
      clock,
      execution: this.#executionPorts(),
      submissionKey,
      closing,
      sendElsewhere: () => this.#endpoint?.sendElsewhere(),
      forget: (runId) => this.#forget(runId),
    });
  }

  async open(openEndpointFor: OpenEndpoint): Promise<void> {
    const versions = await checkServers(this.#servers);
    void this.#wakefulness.keep(this.#closing.signal);
    const driver = this.#driver;
    this.#endpoint = await openEndpointFor({
      accepts: (run, key) => driver.accepts(run, key),
      drive: (run, context) => driver.drive(run, context),
      answer: (alarm) => driver.answer(alarm),
      isAwake: () => this.#wakefulness.isAwake,
    });
    await this.#register();
    this.#ports.log.info('runs are driven on Restate', { servers: versions, service: this.#uri() });
    this.#watch.start();
  }

  async submit(request: RunRequest): Promise<'created' | 'exists'> {
    this.#assertOpen();
    const { runId } = request;
    const definition = this.#workflows.find(request);
    const { actions, clock } = this.#ports;
    const run = pinRun(request, definition, resolveInputs(definition, request), actions, clock.now());
    this.#submittedAtMs.set(runId, clock.monotonic());
    try {
      const outcome = await this.#store.submit(run);
      if (outcome === 'exists' && !this.#driver.active.has(runId)) this.#submittedAtMs.delete(runId);
      // S10: whoever asked relies on the run, whoever drives it: what becomes of it is looked at here as well.
      this.#watch.took(run);
      return outcome;
    } catch (error) {
      // Whoever asked is told that there is no run; one that was accepted all the same must not act unseen.
      this.#watch.doubt(run, `its submission was not confirmed: ${describeError(error)}`);
      throw error;
    }
  }

  async get(runId: string): Promise<RunView | undefined> {
    const active = this.#driver.active.get(runId);
    if (active !== undefined) return active.view();
    const state = await this.#store.state(runId);
    if (state !== 'running' && !isKilled(state)) return state;
    const recorded = await this.#store.load(runId);
    if (recorded === undefined) return undefined;
    const view = await readRun(recorded, this.#ports);
    return isKilled(state) ? { ...view, ...killedBy(state.killed) } : view;
  }

  async cancel(runId: string, reason: string): Promise<void> {
    await this.signal(runId, CANCEL_SIGNAL, reason);
  }

  async signal(runId: string, name: string, payload: string | null): Promise<void> {
    await this.#store.signal(runId, { name, payload, key: this.#ports.ids.next('signal') });
  }

  onFinished(listener: (run: RunView) => void): () => void {
    return this.#ended.onFinished(listener);
  }

  async listRuns({ status, service, limit = 100 }: RunQuery = {}): Promise<readonly RunSummary[]> {
    const state = status === undefined ? undefined : status === 'running' ? 'running' : 'completed';
    // Service and outcome are not known to the query: what does not fit is left out afterwards.
    const found = await this.#store.newest(service === undefined && state === status ? limit : 1_000, state);
    return found
      .map(({ run, view }) => summaryOf(run, view))
      .filter((run) => (status ?? run.status) === run.status && (service ?? run.service) === run.service)
      .slice(0, limit);
  }

  setWorkflows(definitions: readonly WorkflowDefinition[]): void {
    this.#workflows.set(definitions);
  }

  health(): ReturnType<RestateEngine['health']> {
    const { failure } = this.#watch;
    return failure === undefined ? { ok: true } : { ok: false, reason: failure };
  }

  get activeRuns(): readonly string[] {
    return [...this.#driver.active.keys()];
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new DOMException('the engine was closed', 'AbortError'));
    await this.#endpoint?.close();
    await Promise.all([this.#watch.stopped(), this.#ended.settled(), this.#alarms.settled()]);
  }

  #createWatch(): RunWatch {
    return new RunWatch({
      store: this.#store,
      servers: this.#servers,
      alarms: this.#alarms,
      options: this.#ports,
      times: this.#options.times,
      closing: this.#closing.signal,
      register: () => this.#register(),
      stop: (runId, reason) =>
        this.#store.signal(runId, { name: CANCEL_SIGNAL, payload: reason, key: 'stop' }),
      isDriven: (runId) => this.#driver.active.has(runId),
      release: (runId) => this.#forget(runId),
    });
  }

  #createLocks(): RunLocks {
    const { locks, clock, log } = this.#ports;
    const { lockTtlMs: ttlMs, lockWaitMs: waitMs } = this.#options.times;
    return new RunLocks({ locks, clock, log, ttlMs, waitMs, closing: this.#closing.signal });
  }

  #executionPorts(): ExecutionPorts {
    const { ids, evidenceAtMs } = this.#ports;
    let executions = 0;
    return {
      options: this.#ports,
      owner: ids.next('engine'),
      bodies: new BodiesInFlight(),
      isAwake: () => this.#wakefulness.isAwake,
      nextExecution: () => (executions += 1),
      locks: this.#locks,
      closing: this.#closing.signal,
      evidenceAtMs: evidenceAtMs ?? ((runId) => this.#submittedAtMs.get(runId)),
    };
  }

  async #forget(runId: string): Promise<void> {
    this.#submittedAtMs.delete(runId);
    await this.#locks.release(runId);
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
}
