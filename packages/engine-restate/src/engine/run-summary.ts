import type { RunView } from '@lazarus/core/ports';
import type { RunSummary } from '@lazarus/dag';
import type { PinnedRun } from '../run/pinned-run.ts';

/** A run in a list; without a view it has not ended. */
export function summaryOf(
  { request, definition, startedAtMs }: PinnedRun,
  view: RunView | undefined,
): RunSummary {
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

/** What a run ends with that Restate ended by itself. */
export const killedBy = (message: string) =>
  ({ status: 'failed', error: { code: 'LZ_WORKFLOW_CANCELED', message } }) as const;
