import { describeError } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';
import { coordinate } from '../coordinator/coordinate.ts';
import { canRun } from './engine-options.ts';
import type { EngineOptions } from './engine-options.ts';
import type { Journal, LoadedRun } from './journal.ts';
import { journalView } from './journal-view.ts';
import { ReplayRun } from './replay-run.ts';

/** Reads a run that is not driven here: finished, of another process, or of a dead one. */
export async function readRun(
  journal: Journal,
  runId: string,
  options: Pick<EngineOptions, 'actions' | 'clock' | 'log'>,
): Promise<RunView | undefined> {
  const finished = await journal.view(runId);
  if (finished !== undefined) return finished;
  const loaded = await journal.load(runId);
  return loaded === undefined ? undefined : replay(loaded, options);
}

/** Lets a coordinator repeat what the journal says, without effects; what cannot be replayed here is read off the lines. */
async function replay(
  loaded: LoadedRun,
  options: Pick<EngineOptions, 'actions' | 'clock' | 'log'>,
): Promise<RunView> {
  const { actions, clock, log } = options;
  if (loaded.unreadable !== undefined || !canRun(loaded.run.definition, actions)) return journalView(loaded);
  const handle = new ReplayRun(loaded.run, loaded.entries);
  const bodies = { guard: async () => ({ verdict: 'pass' as const }), ports: {}, clock, log };
  const run = coordinate(handle, { actions, bodies });
  try {
    await Promise.race([handle.exhausted, run.execute()]);
    return run.view();
  } catch (error) {
    log.warn('a run could not be replayed', { run_id: loaded.run.runId, error: describeError(error) });
    return journalView(loaded);
  }
}
