import type { RunView } from '../ports/workflow-engine.ts';

/** Runs that have ended, found by id and by the instance that they acted on. */
export interface RunShelf {
  /** Keeps the first outcome of a run; false when there was one already. */
  put(run: RunView): boolean;
  get(runId: string): RunView | undefined;
  /** Runs that acted on an instance, newest first. */
  of(instanceId: string): readonly RunView[];
}

/** Creates a shelf for the newest `maxRuns` runs. */
export function createRunShelf(maxRuns: number): RunShelf {
  const byId = new Map<string, RunView>();
  /** Newest first. */
  const byInstance = new Map<string, readonly RunView[]>();

  const forget = (run: RunView): void => {
    byId.delete(run.run_id);
    if (run.host_id === undefined) return;
    const left = (byInstance.get(run.host_id) ?? []).filter((other) => other !== run);
    if (left.length > 0) byInstance.set(run.host_id, left);
    else byInstance.delete(run.host_id);
  };

  return {
    put: (run) => {
      if (byId.has(run.run_id)) return false;
      byId.set(run.run_id, run);
      if (run.host_id !== undefined)
        byInstance.set(run.host_id, [run, ...(byInstance.get(run.host_id) ?? [])]);
      const [oldest] = byId.values();
      if (byId.size > maxRuns && oldest !== undefined) forget(oldest);
      return true;
    },
    get: (runId) => byId.get(runId),
    of: (instanceId) => byInstance.get(instanceId) ?? [],
  };
}
