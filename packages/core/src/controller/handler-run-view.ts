import type { Decision } from '../decision/decision.ts';
import type { DecisionRecord } from '../decision/record.ts';
import type { ErrorCode } from '../errors/codes.ts';
import type { RunOutcome, RunRequest, RunView, StepView } from '../ports/workflow-engine.ts';

/** How a call of the handler ended. */
export interface Ending {
  readonly status: RunOutcome;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

const STEP = 'handler';

/** A run whose handler was just called. */
export function startedView(request: RunRequest, nowMs: number): RunView {
  const startedAt = iso(nowMs);
  return {
    run_id: request.runId,
    workflow: request.workflow,
    definition_digest: STEP,
    service: request.service,
    ...(request.hostId === undefined ? {} : { host_id: request.hostId }),
    ...(request.incidentKey === undefined ? {} : { incident_key: request.incidentKey }),
    status: 'running',
    started_at: startedAt,
    deadline_at: iso(nowMs + request.timeoutMs),
    outputs: {},
    steps: [stepOf(request.runId, { status: 'running', started_at: startedAt })],
  };
}

/** A run of a process that died, as far as its decision tells. */
export function lostView(
  record: DecisionRecord,
  decision: Extract<Decision, { kind: 'remediate' }>,
): RunView {
  return {
    run_id: decision.run_id,
    workflow: decision.workflow,
    definition_digest: STEP,
    service: record.service,
    ...(record.incarnation === undefined ? {} : { host_id: record.incarnation.instanceId }),
    ...(record.page.incident_key === undefined ? {} : { incident_key: record.page.incident_key }),
    status: 'running',
    started_at: record.decided_at,
    deadline_at: record.decided_at,
    outputs: {},
    steps: [stepOf(decision.run_id, { status: 'unknown', started_at: record.decided_at })],
  };
}

/** The same run after its end. */
export function endedView(
  started: RunView,
  { status, error }: Ending,
  page: NonNullable<RunView['page']>,
  nowMs: number,
): RunView {
  const endedAt = iso(nowMs);
  return {
    ...started,
    status,
    page,
    ended_at: endedAt,
    ...(error === undefined ? {} : { error: { step: STEP, ...error } }),
    steps: started.steps.map((step) => ({
      ...step,
      status: status === 'succeeded' ? 'succeeded' : 'failed',
      ended_at: endedAt,
      ...(error === undefined ? {} : { error: { ...error, retryable: false } }),
    })),
  };
}

function stepOf(runId: string, part: Pick<StepView, 'status' | 'started_at'>): StepView {
  return { step: STEP, uses: STEP, attempts: 1, idempotency_key: runId, ...part };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
