import type { Json, RunOutcome, RunView, StepView } from '@lazarus/core/ports';
import type { Stop } from './drive-steps.ts';
import type { RunRecord } from './run-handle.ts';
import { effectKey } from './step-state.ts';
import type { StepState } from './step-state.ts';

/** What a view is made of. */
export interface RunProgress {
  readonly run: RunRecord;
  readonly steps: readonly StepState[];
  readonly outcome?: RunOutcome;
  readonly endedAtMs?: number;
  readonly stop?: Stop;
  readonly outputs: Readonly<Record<string, Json>>;
}

const texts = new Map<number, string>();
const MAX_TEXTS = 1_000;

/** Runs that go on at once have many times in common. */
function iso(ms: number): string {
  let text = texts.get(ms);
  if (text !== undefined) return text;
  if (texts.size >= MAX_TEXTS) texts.clear();
  text = new Date(ms).toISOString();
  texts.set(ms, text);
  return text;
}

/** A run as the API shows it. */
export function runView({ run, steps, outcome, endedAtMs, stop, outputs }: RunProgress): RunView {
  const { request, definition } = run;
  return {
    run_id: request.runId,
    workflow: definition.name,
    definition_digest: definition.digest,
    service: request.service,
    ...(request.hostId === undefined ? {} : { host_id: request.hostId }),
    ...(request.incidentKey === undefined ? {} : { incident_key: request.incidentKey }),
    status: outcome ?? 'running',
    ...(outcome === undefined ? {} : { page: pageOf(steps) }),
    started_at: iso(run.startedAtMs),
    ...(endedAtMs === undefined ? {} : { ended_at: iso(endedAtMs) }),
    deadline_at: iso(run.deadlineAtMs),
    outputs,
    ...(stop === undefined
      ? {}
      : {
          error: {
            ...(stop.step === undefined ? {} : { step: stop.step }),
            code: stop.code,
            message: stop.message,
          },
        }),
    steps: steps.map((state) => stepView(run, state)),
  };
}

/** One step as the API shows it. */
export function stepView(run: RunRecord, state: StepState): StepView {
  const { plan, error } = state;
  return {
    step: plan.id,
    uses: plan.uses,
    status: state.status,
    attempts: state.attempts,
    ...(state.startedAtMs === undefined ? {} : { started_at: iso(state.startedAtMs) }),
    ...(state.endedAtMs === undefined ? {} : { ended_at: iso(state.endedAtMs) }),
    ...(state.output === undefined ? {} : { output: state.output }),
    ...(error === undefined
      ? {}
      : { error: { code: error.code, message: error.message, retryable: error.retryable } }),
    idempotency_key: effectKey(run, state),
  };
}

/** How the page ended, by what the pager's actions answered last. */
function pageOf(steps: readonly StepState[]): NonNullable<RunView['page']> {
  let page: NonNullable<RunView['page']> = 'left_alone';
  for (const state of steps) {
    if (state.status !== 'succeeded' || !/^pager\.(resolve|escalate)@/.test(state.plan.uses)) continue;
    const answer = (state.output as { readonly page?: unknown } | null | undefined)?.page;
    if (answer === 'resolved' || answer === 'escalated') page = answer;
  }
  return page;
}
