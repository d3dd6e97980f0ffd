import { readFileSync } from 'node:fs';
import { createManualClock, silentLogger } from '@lazarus/testing';
import { coordinate } from '@lazarus/dag';
import type { RunView } from '@lazarus/core/ports';
import type { DurableContext } from '../../src/durable/durable-context.ts';
import { JournalContext } from '../../src/durable/journal-context.ts';
import type { RecordedEntry } from '../../src/durable/journal-context.ts';
import { BodiesInFlight } from '../../src/run/bodies-in-flight.ts';
import { nextTurn } from '../../src/run/next-turn.ts';
import { fromWire } from '../../src/run/pinned-run.ts';
import type { PinnedWire } from '../../src/run/pinned-run.ts';
import { RestateRun } from '../../src/run/restate-run.ts';
import { createDesk } from './desk-actions.ts';

/** A journal that a real server kept of a run, as it is checked in. */
export interface GoldenJournal {
  /** Name of the service that drove the run. */
  readonly service: string;
  readonly run: PinnedWire;
  readonly entries: readonly RecordedEntry[];
  /** How the run ended. */
  readonly view: RunView;
}

/** What code does with a journal. */
export interface Replay {
  /** What it asked to be journaled, in order. */
  readonly calls: readonly string[];
  /** It came to its end; otherwise it stands where the journal ends, or did not fit. */
  readonly hasEnded: boolean;
  readonly view: RunView;
}

export const goldenFile = (name: string): URL => new URL(`../golden/${name}.json`, import.meta.url);

export const readGolden = (name: string): GoldenJournal =>
  JSON.parse(readFileSync(goldenFile(name), 'utf8')) as GoldenJournal;

export const callsOf = (entries: readonly RecordedEntry[]): readonly string[] =>
  entries.flatMap((entry) => (entry.kind === 'command' ? [`${entry.call} ${entry.name}`] : []));

/** Lets the code of today repeat a journal. */
export async function replay({
  run: wire,
  entries,
}: Pick<GoldenJournal, 'run' | 'entries'>): Promise<Replay> {
  const run = fromWire(wire);
  const clock = createManualClock();
  const journal = new JournalContext(entries);
  const calls: string[] = [];
  const handle = new RestateRun(run, noting(journal, calls), {
    clock,
    random: () => 0,
    by: 'replay',
    bodies: new BodiesInFlight(),
    turn: nextTurn,
    isAwake: () => true,
    fence: () => undefined,
  });
  const bodies = { guard: async () => ({ verdict: 'pass' as const }), ports: {}, clock, log: silentLogger };
  const coordinated = coordinate(handle, { actions: createDesk().actions, bodies });
  const ended = (async () => {
    await handle.begin();
    await coordinated.execute();
    return true;
  })();
  const hasEnded = await Promise.race([ended, journal.exhausted.then(() => false)]).catch(() => false);
  return { calls, hasEnded, view: coordinated.view() };
}

/** The same context, with a list of what it was asked for. */
function noting(context: DurableContext, calls: string[]): DurableContext {
  const note = (call: string, name: string): void => void calls.push(`${call} ${name}`);
  return {
    ended: context.ended,
    run: (name, body) => (note('run', name), context.run(name, body)),
    sleep: (name, ms) => (note('sleep', name), context.sleep(name, ms)),
    promise: (name) => (note('promise', name), context.promise(name)),
    peek: (name) => (note('peek', name), context.peek(name)),
    first: (durables) => context.first(durables),
  };
}

const REMEDY = `Runs in flight were journaled in the old order, and Restate would refuse to go on with them. Undo the change, or make
it a new version of the interpreter: raise INTERPRETER in src/endpoint/run-service.ts, keep serving the old one until its
runs have ended, and record its journals beside the old ones (test/support/record-golden.ts).`;

/** `repeats itself`, or what the code of today does differently and what to do about it. */
export async function verdictOf(golden: GoldenJournal): Promise<string> {
  const { calls, hasEnded, view } = await replay(golden);
  const recorded = callsOf(golden.entries);
  const length = Math.max(recorded.length, calls.length);
  for (let index = 0; index < length; index += 1) {
    const [then, now] = [recorded[index] ?? 'nothing', calls[index] ?? 'nothing'];
    if (then !== now)
      return `journaled call ${index + 1} of ${golden.run.request.workflow} was "${then}" and is "${now}" now.\n${REMEDY}`;
  }
  if (!hasEnded || JSON.stringify(view) !== JSON.stringify(golden.view))
    return `${golden.run.request.workflow} comes to another end from the same journal.\n${REMEDY}`;
  return 'repeats itself';
}
