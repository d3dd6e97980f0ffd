/**
 * A workflow engine for programs that bring a function instead of a workflow: one run is one call of the handler.
 *
 *   submit ──▶ guard ──▶ handler(run, { signal }) ──▶ resolves: the page is resolved
 *                │             │
 *                └── says no ──┴── rejects, takes too long, is canceled, or close(): the page is escalated
 *
 * Invariants:
 * S1: the handler is called at most once per run id.
 * S3, S14: right before the call, the guard asks whether acting is still right.
 * S10: every run ends within its time, and with it its page. A handler that does not stop when its signal aborts goes on
 *      alone: its run is over and somebody was woken.
 *
 * Runs live in this process and end with it. What a process that died left behind is ended by `adopt`.
 */
import type { DecisionRecord } from '../decision/record.ts';
import { describeError, isLazarusError, PortError, WorkflowError } from '../errors/lazarus-error.ts';
import { createRunShelf } from '../memory/run-shelf.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Pager } from '../ports/pager.ts';
import type { RunRequest, RunView, WorkflowEngine } from '../ports/workflow-engine.ts';
import { isTimeout, withTimeout } from '../time/with-timeout.ts';
import { type Ending, endedView, lostView, startedView } from './handler-run-view.ts';
import type { RunGuard } from './run-guard.ts';
import { settleRunPage } from './settle-run-page.ts';

/**
 * Does the work of a run. It must stop when the signal aborts, and must stand being cut off at any point: it is never
 * called twice for one run. `run.runId` is the idempotency key for everything that it does.
 */
export type RunHandler = (run: RunRequest, context: { readonly signal: AbortSignal }) => Promise<void>;

/** What {@link createHandlerEngine} works with. */
export interface HandlerEnginePorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly pager: Pager;
  readonly handler: RunHandler;
  /** Asks right before the handler is called whether it is still right to act. */
  readonly guard: RunGuard;
  /** Monotonic instant of the ballot about a run; `undefined` when it is not known, then it is repeated. */
  readonly evidenceAtMs: (runId: string) => number | undefined;
}

/** An engine whose runs are calls of one function. */
export interface HandlerEngine extends WorkflowEngine {
  /** Ends runs that a process that died left open: nobody knows how far they came, so their pages are escalated. */
  adopt(records: readonly DecisionRecord[]): Promise<void>;
  /** Cancels every run, escalates its page, and resolves when all have ended. */
  close(): Promise<void>;
}

/** Ended runs that are remembered; the audit log knows all of them. */
const MAX_ENDED = 1_000;
/** A page is acknowledged again this often while its run goes on. @remarks Source: PagerDuty, takes it back after 30 min. */
const REACKNOWLEDGE_MS = 600_000;

/** A reason that costs nothing: `abort()` alone makes an exception with a stack each time. */
const NO_LONGER_NEEDED = Symbol('no longer needed');

interface ActiveRun {
  readonly started: RunView;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** Creates a {@link HandlerEngine}. */
export function createHandlerEngine(ports: HandlerEnginePorts): HandlerEngine {
  const { clock, log } = ports;
  const active = new Map<string, ActiveRun>();
  const shelf = createRunShelf(MAX_ENDED);
  const listeners = new Set<(run: RunView) => void>();
  let isClosed = false;

  const announce = (run: RunView): void => {
    shelf.put(run);
    active.delete(run.run_id);
    for (const listener of listeners) listener(run);
  };
  const endRun = async (started: RunView, ending: Ending): Promise<void> => {
    const page = await settleRunPage(started, ending, ports);
    announce(endedView(started, ending, page, clock.now()));
  };
  const drive = async (request: RunRequest, started: RunView, stop: AbortController): Promise<void> => {
    const ending = await callHandler(request, ports, stop);
    if (ending.error !== undefined)
      log.warn('a run did not succeed', { run_id: request.runId, status: ending.status, ...ending.error });
    await endRun(started, ending);
  };

  return {
    submit: async (request) => {
      if (isClosed)
        throw new PortError({
          code: 'LZ_JOURNAL_UNAVAILABLE',
          message: 'the engine was closed',
          retryable: false,
        });
      if (active.has(request.runId) || shelf.get(request.runId) !== undefined) return 'exists';
      const started = startedView(request, clock.now());
      const stop = new AbortController();
      active.set(request.runId, { started, stop, ended: drive(request, started, stop) });
      return 'created';
    },
    get: async (runId) => active.get(runId)?.started ?? shelf.get(runId),
    cancel: async (runId, reason) => active.get(runId)?.stop.abort(canceled(reason)),
    onFinished: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    adopt: async (records) => {
      for (const record of records) {
        const { decision } = record;
        if (decision.kind !== 'remediate') continue;
        if (active.has(decision.run_id) || shelf.get(decision.run_id) !== undefined) continue;
        const error = {
          code: 'LZ_WORKFLOW_CANCELED',
          message: 'the process ended while it ran',
        } as const;
        await endRun(lostView(record, decision), { status: 'failed', error });
      }
    },
    close: async () => {
      isClosed = true;
      for (const { stop } of active.values()) stop.abort(canceled('the program is closing'));
      await Promise.all([...active.values()].map(({ ended }) => ended));
    },
  };
}

function canceled(reason: string): WorkflowError {
  return new WorkflowError({ code: 'LZ_WORKFLOW_CANCELED', message: reason });
}

/** Calls the handler in its bounds. Never rejects: how it ended is a value. */
async function callHandler(
  request: RunRequest,
  ports: HandlerEnginePorts,
  stop: AbortController,
): Promise<Ending> {
  const { clock, guard, handler } = ports;
  const evidenceAtMs = ports.evidenceAtMs(request.runId);
  const keeping = new AbortController();
  try {
    return await withTimeout(clock, request.timeoutMs, stop.signal, async (signal) => {
      const point = { firstDestructive: true, ...(evidenceAtMs === undefined ? {} : { evidenceAtMs }) };
      const verdict = await guard(request, point, signal);
      signal.throwIfAborted();
      if (verdict.verdict === 'fail')
        return { status: 'failed', error: { code: 'LZ_WORKFLOW_REVALIDATION', message: verdict.reason } };
      keepPage(request, ports, stop, keeping.signal).catch(() => undefined);
      await handler(request, { signal });
      return { status: 'succeeded' };
    });
  } catch (error) {
    if (isTimeout(error)) {
      const message = `did not end within ${request.timeoutMs} ms`;
      return { status: 'timed_out', error: { code: 'LZ_WORKFLOW_TIMEOUT', message } };
    }
    const code = isLazarusError(error) ? error.code : 'LZ_WORKFLOW_STEP_FAILED';
    const status = code === 'LZ_WORKFLOW_CANCELED' ? 'canceled' : 'failed';
    return { status, error: { code, message: describeError(error) } };
  } finally {
    keeping.abort(NO_LONGER_NEEDED);
  }
}

/** Keeps the page while the run goes on; a person who took it, or closed it, ends the run. Rejects when `signal` aborts. */
async function keepPage(
  { incidentKey }: RunRequest,
  { clock, pager, log }: HandlerEnginePorts,
  stop: AbortController,
  signal: AbortSignal,
): Promise<void> {
  if (incidentKey === undefined) return;
  for (;;) {
    await clock.sleep(REACKNOWLEDGE_MS, { signal });
    try {
      const result = await pager.acknowledge({ incidentKey, signal });
      if (!result.done) {
        stop.abort(canceled(`page ${incidentKey}: ${result.reason.replaceAll('_', ' ')}`));
        return;
      }
    } catch (error) {
      log.warn('a page was not acknowledged again', {
        incident_key: incidentKey,
        error: describeError(error),
      });
    }
  }
}
