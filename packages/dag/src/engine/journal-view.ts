import type { RunView, StepView } from '@lazarus/core/ports';
import { idempotencyKey } from '../document/workflow-definition.ts';
import type { StepDefinition } from '../document/workflow-definition.ts';
import type { JournalEntry, LoadedRun } from './journal.ts';

/**
 * What the journal's lines alone say about a run that is not finished: which attempts went out, and which came back. For
 * processes that lack one of its actions. Of a run that cannot be read: why not.
 */
export function journalView({ run, entries, unreadable }: LoadedRun): RunView {
  const { request, definition } = run;
  return {
    run_id: run.runId,
    workflow: definition.name,
    definition_digest: definition.digest,
    service: request.service,
    ...(request.hostId === undefined ? {} : { host_id: request.hostId }),
    ...(request.incidentKey === undefined ? {} : { incident_key: request.incidentKey }),
    status: 'running',
    started_at: new Date(run.startedAtMs).toISOString(),
    deadline_at: new Date(run.deadlineAtMs).toISOString(),
    outputs: {},
    ...(unreadable === undefined
      ? {}
      : { error: { code: 'LZ_INVARIANT_BROKEN', message: `it cannot be read: ${unreadable}` } }),
    steps: definition.steps.map((step) => stepOf(run.runId, step, entries)),
  };
}

function stepOf(runId: string, step: StepDefinition, entries: readonly JournalEntry[]): StepView {
  const own = entries.filter((entry) => 'key' in entry && entry.key.startsWith(`${step.id}#`));
  const attempts = own.filter(({ kind }) => kind === 'intent').length;
  const last = own.at(-1);
  const isDone = last?.kind === 'done' && last.result.ok && step.poll === undefined;
  return {
    step: step.id,
    uses: step.uses,
    status: isDone ? 'succeeded' : attempts > 0 ? 'running' : 'waiting',
    attempts,
    idempotency_key: idempotencyKey(runId, step.id),
  };
}
