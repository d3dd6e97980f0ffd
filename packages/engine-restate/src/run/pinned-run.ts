import type { Json, RunRequest } from '@lazarus/core/ports';
import type { RunRecord, StoredRun, WorkflowDefinition } from '@lazarus/dag';

/** Shape of what is submitted; a process drives a run only when it knows the shape. */
export const PINNED_FORMAT = 1;

/** Everything that a run is, fixed at submission: Restate keeps it as the input of the workflow. */
export interface PinnedRun extends RunRecord {
  readonly format: typeof PINNED_FORMAT;
  readonly request: RunRequest;
  readonly definition: WorkflowDefinition;
  readonly inputs: Readonly<Record<string, Json>>;
}

/** Pins a run at its submission. */
export function pinRun(
  request: RunRequest,
  definition: WorkflowDefinition,
  inputs: Readonly<Record<string, Json>>,
  nowMs: number,
): PinnedRun {
  const deadlineAtMs = nowMs + request.timeoutMs;
  return { format: PINNED_FORMAT, request, definition, inputs, startedAtMs: nowMs, deadlineAtMs };
}

/** The same for code that expects a run of a journal of ours. */
export function asStoredRun(run: PinnedRun): StoredRun {
  return { ...run, runId: run.request.runId, epoch: 1 };
}
