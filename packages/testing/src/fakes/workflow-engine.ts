import type { LazarusError } from '@lazarus/core';
import type { Clock, RunOutcome, RunRequest, RunView, WorkflowEngine } from '@lazarus/core/ports';

/** An engine that starts nothing: a test ends each run by hand. */
export interface FakeWorkflowEngine extends WorkflowEngine {
  /** Requests in the order of their submission, repeated ones left out. */
  readonly submitted: readonly RunRequest[];
  readonly canceled: readonly { readonly runId: string; readonly reason: string }[];
  /** Ends a run; `page` defaults to `resolved` for a success and `escalated` otherwise. */
  finish(
    runId: string,
    outcome: RunOutcome,
    options?: { readonly page?: NonNullable<RunView['page']> },
  ): RunView;
  /** From now on `submit` throws this; `undefined` heals it. */
  fail(error: LazarusError | undefined): void;
}

/** Creates a {@link FakeWorkflowEngine}. Submitting a run id twice starts it once. Keeps S1. */
export function createFakeWorkflowEngine(options: { readonly clock: Clock }): FakeWorkflowEngine {
  const runs = new Map<string, RunView>();
  const submitted: RunRequest[] = [];
  const canceled: { runId: string; reason: string }[] = [];
  const listeners = new Set<(run: RunView) => void>();
  let failure: LazarusError | undefined;

  const isoNow = (): string => new Date(options.clock.now()).toISOString();
  const finish: FakeWorkflowEngine['finish'] = (runId, outcome, finishOptions) => {
    const run = runs.get(runId);
    if (run === undefined) throw new Error(`no run ${runId}`);
    if (run.status !== 'running') return run;
    const page = finishOptions?.page ?? (outcome === 'succeeded' ? 'resolved' : 'escalated');
    const ended: RunView = { ...run, status: outcome, page, ended_at: isoNow() };
    runs.set(runId, ended);
    for (const listener of [...listeners]) listener(ended);
    return ended;
  };

  return {
    submitted,
    canceled,
    finish,
    fail: (error) => {
      failure = error;
    },
    submit: async (request) => {
      if (failure !== undefined) throw failure;
      if (runs.has(request.runId)) return 'exists';
      submitted.push(request);
      runs.set(request.runId, startedView(request, options.clock.now()));
      return 'created';
    },
    get: async (runId) => runs.get(runId),
    cancel: async (runId, reason) => {
      if (runs.get(runId)?.status !== 'running') return;
      canceled.push({ runId, reason });
      finish(runId, 'canceled');
    },
    onFinished: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function startedView(request: RunRequest, nowMs: number): RunView {
  return {
    run_id: request.runId,
    workflow: request.workflow,
    definition_digest: 'fake',
    service: request.service,
    ...(request.hostId === undefined ? {} : { host_id: request.hostId }),
    ...(request.incidentKey === undefined ? {} : { incident_key: request.incidentKey }),
    status: 'running',
    started_at: new Date(nowMs).toISOString(),
    deadline_at: new Date(nowMs + request.timeoutMs).toISOString(),
    outputs: {},
    steps: [],
  };
}
