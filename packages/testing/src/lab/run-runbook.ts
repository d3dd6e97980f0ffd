import type { LazarusEvent } from '@lazarus/core';
import type { Json, RunRequest, RunView } from '@lazarus/core/ports';
import { builtinActions, createMemoryJournal } from '@lazarus/dag';
import type { Action, ActionContext, EngineOptions, WorkflowDefinition } from '@lazarus/dag';
import { createManualClock } from '../clock/manual-clock.ts';
import type { ManualClock } from '../clock/manual-clock.ts';
import { happyReply } from './happy-replies.ts';
import { startProcess } from './lab-process.ts';
import type { LabProcess } from './lab-process.ts';
import { isCallOf, mockAction } from './mock-actions.ts';
import type { Mocks, MockWorld, RunbookCall } from './mock-actions.ts';
import { spansOf } from './step-order.ts';

/** What a runbook is run with. Everything has a default. */
export interface RunbookOptions {
  readonly event?: Partial<LazarusEvent>;
  readonly inputs?: Readonly<Record<string, Json>>;
  /** Replies of actions, by step or by action. */
  readonly actions?: Mocks;
  /** What steps answer that nobody mocked: refuse (the default), or what a built-in action answers when all goes well. */
  readonly unmocked?: 'fail' | 'happy';
  /** Actions of one's own, beside the built-in ones. */
  readonly definitions?: readonly Action[];
  /** @defaultValue a new one */
  readonly clock?: ManualClock;
  /** @defaultValue the timeout of the workflow */
  readonly timeoutMs?: number;
  readonly guard?: EngineOptions['guard'];
  /** Signals to send, with their times since the start; `$cancel` asks the run to stop. */
  readonly signals?: readonly { readonly atMs: number; readonly name: string; readonly payload?: string }[];
  /** Seed of the jitter. @defaultValue 1 */
  readonly seed?: number;
  /** Called at each call of an action; may throw, wait, or kill the process (see {@link RunbookFault}). */
  readonly fault?: RunbookFault;
  /** Submits the run a second time once it runs. */
  readonly submitTwice?: boolean;
  /** A step whose calls the network delivers twice. */
  readonly twice?: string;
}

/** A disturbance of one call. `kill` ends the process there, another one takes over; `submit` submits the run once more. */
export type RunbookFault = (
  moment: 'before' | 'after',
  call: RunbookCall,
  tools: {
    readonly kill: () => Promise<never>;
    readonly submit: () => Promise<'created' | 'exists'>;
    readonly context: ActionContext;
  },
) => void | Promise<void>;

/** How a runbook went. */
export interface RunbookResult {
  readonly run: RunView;
  readonly calls: readonly RunbookCall[];
  /** Calls of an action or a step, polls and retries included. */
  callsOf(actionOrStep: string): readonly RunbookCall[];
  /** One line per call and per end of a step, with times. */
  readonly trace: readonly string[];
  /** From start to end, milliseconds of the lab. */
  readonly tookMs: number;
  /** Processes that took part; 1 without a crash. */
  readonly processes: number;
}

const STEP_MS = 30_000;

/**
 * Runs one workflow in virtual time against mocked actions: a 30 min wait takes no time at all. The engine is the real one
 * over a journal in memory, so retries, timeouts, compensation and crashes behave as in production.
 *
 * @throws WorkflowError `LZ_WORKFLOW_INPUT` when the workflow refuses its inputs; an Error when the run does not end.
 * @example
 * ```ts
 * const { run } = await runRunbook(workflow, { unmocked: 'happy', actions: { verify: { hangs: true } } });
 * ```
 */
export async function runRunbook(
  workflow: WorkflowDefinition,
  options: RunbookOptions = {},
): Promise<RunbookResult> {
  const lab = new Lab(workflow, options);
  return lab.run();
}

class Lab {
  readonly #workflow: WorkflowDefinition;
  readonly #options: RunbookOptions;
  readonly #clock: ManualClock;
  readonly #world: MockWorld = { calls: [], effects: new Map(), moments: 0 };
  readonly #journal = createMemoryJournal();
  readonly #startedAtMs: number;
  readonly #processes: LabProcess[] = [];
  /** Why the engine did not take the run or a signal. */
  #refusal: { readonly cause: unknown } | undefined;

  constructor(workflow: WorkflowDefinition, options: RunbookOptions) {
    this.#workflow = workflow;
    this.#options = options;
    this.#clock = options.clock ?? createManualClock();
    this.#startedAtMs = this.#clock.now();
  }

  async run(): Promise<RunbookResult> {
    const request = this.#request();
    await this.#start();
    this.#submit(request).catch(this.#refuse);
    try {
      const run = await this.#finish(request.runId);
      return this.#result(run);
    } finally {
      await this.#current().engine.close();
    }
  }

  #current(): LabProcess {
    const process = this.#processes.at(-1);
    if (process === undefined) throw new TypeError('no process was started');
    return process;
  }

  async #submit(request: RunRequest): Promise<void> {
    const { engine } = this.#current();
    await engine.submit(request);
    if (this.#options.submitTwice === true) await engine.submit(request);
    for (const { atMs, name, payload } of this.#options.signals ?? []) {
      void this.#clock
        .sleep(atMs)
        .then(() => this.#current().engine.signal(request.runId, name, payload ?? null))
        .catch(this.#refuse);
    }
  }

  readonly #refuse = (cause: unknown): void => {
    this.#refusal ??= { cause };
  };

  async #start(): Promise<void> {
    const {
      unmocked = 'fail',
      actions: mocks = {},
      definitions = [],
      fault,
      seed = 1,
      guard,
      twice,
    } = this.#options;
    const kill = (): Promise<never> => {
      this.#current().kill();
      return new Promise<never>(() => undefined);
    };
    const submit = (): Promise<'created' | 'exists'> => this.#current().engine.submit(this.#request());
    const actions = [...builtinActions, ...definitions].map((action) =>
      mockAction(action, {
        mocks,
        world: this.#world,
        unmocked: unmocked === 'happy' ? happyReply : () => undefined,
        startedAtMs: () => this.#startedAtMs,
        ...(fault === undefined
          ? {}
          : { disturb: (moment, call, context) => fault(moment, call, { kill, submit, context }) }),
        ...(twice === undefined ? {} : { twice: (step: string) => step === twice }),
      }),
    );
    const number = this.#processes.length + 1;
    this.#processes.push(
      await startProcess({
        journal: this.#journal,
        clock: this.#clock,
        workflow: this.#workflow,
        actions,
        number,
        seed,
        ...(guard === undefined ? {} : { guard }),
      }),
    );
  }

  /** Lets time pass until the run has ended; a process that dies is followed by another one. */
  async #finish(runId: string): Promise<RunView> {
    const { workflowMs, cleanupMs } = this.#workflow.timeouts;
    const limitMs = this.#startedAtMs + (this.#options.timeoutMs ?? workflowMs) + 3 * cleanupMs + 20 * 60_000;
    await this.#clock.settle();
    for (;;) {
      if (this.#refusal !== undefined) throw this.#refusal.cause;
      if (this.#current().isDead) {
        await this.#forgetLostResults(runId);
        await this.#start();
      }
      const { engine } = this.#current();
      const run = await engine.get(runId);
      if (run !== undefined && run.status !== 'running' && !engine.activeRuns.includes(runId)) return run;
      if (this.#clock.now() > limitMs)
        throw new Error(`the run did not end; it stands at\n${JSON.stringify(run, null, 2)}`);
      await this.#clock.advance(STEP_MS);
    }
  }

  /** What came back in the last moment of a process and was not journaled is lost with it. */
  async #forgetLostResults(runId: string): Promise<void> {
    const entries = (await this.#journal.load(runId))?.entries ?? [];
    const durable = new Set(entries.flatMap((entry) => (entry.kind === 'done' ? [entry.key] : [])));
    for (const call of this.#world.calls) {
      if (call.outcome === 'ok' && !durable.has(`${call.step}#${call.attempt}`)) call.outcome = 'pending';
    }
  }

  #request(): RunRequest {
    const { event = {}, inputs = {}, timeoutMs = this.#workflow.timeouts.workflowMs } = this.#options;
    const full: LazarusEvent = {
      id: 'lab-1',
      event_type: 'HealthcheckDown',
      source: 'lab',
      time: new Date(this.#startedAtMs).toISOString(),
      region: 'us-east-1',
      environment: 'prod',
      service: 'web',
      host: 'i-old',
      incident_key: 'INC-1',
      attributes: {},
      ...event,
    };
    const { service, host, incident_key: incidentKey } = full;
    return {
      runId: 'lab-run',
      workflow: this.#workflow.name,
      inputs,
      event: full,
      rule: 'lab',
      configDigest: 'lab',
      service,
      lock:
        this.#workflow.lock === 'host' && host !== undefined
          ? { kind: 'host', service, host }
          : { kind: 'service', service },
      timeoutMs,
      notificationGroup: 'lab',
      ...(host === undefined ? {} : { hostId: host }),
      ...(incidentKey === undefined ? {} : { incidentKey }),
    };
  }

  #result(run: RunView): RunbookResult {
    const { calls } = this.#world;
    return {
      run,
      calls,
      callsOf: (name) => calls.filter((call) => isCallOf(call, name)),
      trace: traceOf(run, calls, this.#startedAtMs),
      tookMs: Date.parse(run.ended_at ?? run.started_at) - Date.parse(run.started_at),
      processes: this.#processes.length,
    };
  }
}

function traceOf(run: RunView, calls: readonly RunbookCall[], startedAtMs: number): readonly string[] {
  const called = calls.map(({ atMs, step, action, attempt, outcome }) => ({
    atMs,
    step,
    text: `${step} calls ${action}, attempt ${attempt}: ${outcome}`,
  }));
  const ended = run.steps.flatMap(({ step, status, ended_at, error }) => {
    if (ended_at === undefined || status === 'skipped') return [];
    return [
      {
        atMs: Date.parse(ended_at) - startedAtMs,
        step,
        text: `${step} ${status}${error === undefined ? '' : `: ${error.code} ${error.message}`}`,
      },
    ];
  });
  // In one millisecond a step ends before the next one begins.
  const steps = spansOf({ run, calls }).map(({ step }) => step);
  return [...called, ...ended]
    .map((line, index) => ({ ...line, index, place: placeIn(steps, line.step) }))
    .sort((left, right) => left.atMs - right.atMs || left.place - right.place || left.index - right.index)
    .map(({ atMs, text }) => `${(atMs / 1_000).toFixed(1).padStart(8)} s  ${text}`);
}

function placeIn(steps: readonly string[], step: string): number {
  const place = steps.indexOf(step);
  return place === -1 ? steps.length : place;
}
