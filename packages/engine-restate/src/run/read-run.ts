import { describeError } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';
import { canRun, coordinate, journalView } from '@lazarus/dag';
import type { EngineOptions, JournalEntry, Settled } from '@lazarus/dag';
import { JournalContext } from '../durable/journal-context.ts';
import type { RecordedEntry } from '../durable/journal-context.ts';
import type { RecordedRun } from '../server/run-store.ts';
import { BodiesInFlight } from './bodies-in-flight.ts';
import { asStoredRun } from './pinned-run.ts';
import { RestateRun } from './restate-run.ts';

/** Lets a coordinator repeat what the journal says, without effects; what cannot be replayed here is read off its lines. */
export async function readRun(
  recorded: RecordedRun,
  options: Pick<EngineOptions, 'actions' | 'clock' | 'log'>,
): Promise<RunView> {
  const { run, entries } = recorded;
  const { actions, clock, log } = options;
  if (!canRun(run.definition, actions)) return linesOf(recorded);
  const context = new JournalContext(entries);
  const handle = new RestateRun(run, context, {
    clock,
    random: () => 0,
    by: '',
    bodies: new BodiesInFlight(),
    turn: async () => undefined,
    isAwake: () => true,
    fence: () => undefined,
  });
  const bodies = { guard: async () => ({ verdict: 'pass' as const }), ports: {}, clock, log };
  const coordinated = coordinate(handle, { actions, bodies });
  try {
    await Promise.race([context.exhausted, handle.begin().then(() => coordinated.execute())]);
    return coordinated.view();
  } catch (error) {
    log.warn('a run could not be replayed', { run_id: run.request.runId, error: describeError(error) });
    return linesOf(recorded);
  }
}

function linesOf({ run, entries }: RecordedRun): RunView {
  const names = new Map(
    entries.flatMap((entry) => (entry.kind === 'command' ? [[entry.id, entry.name] as const] : [])),
  );
  const lines = entries.flatMap((entry): JournalEntry[] => line(entry, names));
  return journalView({ run: asStoredRun(run), entries: lines, signals: [] });
}

function line(entry: RecordedEntry, names: ReadonlyMap<number, string>): JournalEntry[] {
  if (entry.kind === 'command')
    return entry.call === 'run' && !entry.name.includes('~') ? [{ kind: 'intent', key: entry.name }] : [];
  if (entry.kind === 'canceled') return [];
  const key = names.get(entry.id)?.split('~')[0];
  const value = entry.value as { readonly settled?: Settled; readonly atMs?: number } | null;
  if (key === undefined || value?.settled === undefined) return [];
  return [{ kind: 'done', key, atMs: value.atMs ?? 0, result: value.settled }];
}
