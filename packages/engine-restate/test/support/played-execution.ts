import { createMemoryLocks } from '@lazarus/core/memory';
import type { Json, Locks } from '@lazarus/core/ports';
import { createActionRegistry, loadWorkflow, resolveInputs } from '@lazarus/dag';
import type { Action, EngineOptions } from '@lazarus/dag';
import {
  createFakePager,
  createManualClock,
  createSeededRandom,
  createSequentialIds,
  silentLogger,
} from '@lazarus/testing';
import type { ManualClock } from '@lazarus/testing';
import type { Durable, DurableContext } from '../../src/durable/durable-context.ts';
import { BodiesInFlight } from '../../src/run/bodies-in-flight.ts';
import { Execution } from '../../src/run/execution.ts';
import { pinRun } from '../../src/run/pinned-run.ts';
import { RunLocks } from '../../src/run/run-locks.ts';
import { aRequest } from './desk.ts';

interface Played extends Durable {
  readonly work: () => Promise<Json>;
  happened?: Promise<{ readonly durable: Durable; readonly value: Json }>;
}

/** A context over a journal by name: what is recorded is answered, everything else happens here. */
function playedContext(clock: ManualClock, journal: Map<string, Json>, diesAfter?: string): DurableContext {
  const never = (): Promise<Json> => new Promise(() => undefined);
  let now = 0;
  const recorded = (name: string, work: () => Promise<Json>): Played => ({
    name,
    work: async () => {
      const known = journal.get(name);
      if (known !== undefined) return known;
      const value = await work();
      journal.set(name, value);
      return value;
    },
  });
  return {
    ended: new AbortController().signal,
    run: (name, body) => recorded(name === '$now' ? `$now${(now += 1)}` : name, body),
    sleep: (name, ms) => ({ name, work: async () => (await clock.sleep(ms), null) }) as Played,
    promise: (name) => ({ name, work: never }) as Played,
    peek: (name) => ({ name, work: async () => null }) as Played,
    first: async (durables) => {
      if (diesAfter !== undefined && journal.has(diesAfter)) return new Promise(() => undefined);
      const waits = (durables as readonly Played[]).map(
        (durable) => (durable.happened ??= durable.work().then((value) => ({ durable, value }))),
      );
      return Promise.race(waits);
    },
  };
}

/** Executions of one run, one after the other, over one journal and a clock that stands still. */
export function createPlayedRun(text: string, own: readonly Action[], options: Partial<EngineOptions> = {}) {
  const clock = createManualClock();
  const actions = createActionRegistry([...own]);
  const head = 'apiVersion: lazarus.dev/v1\nkind: Workflow\nmetadata: { name: test.played, version: 1 }\n';
  const workflow = loadWorkflow(head + text, { file: 'test.yaml', actions });
  const request = aRequest('test.played');
  const run = pinRun(request, workflow, resolveInputs(workflow, request), actions, clock.now());
  const journal = new Map<string, Json>();
  const pager = createFakePager({ clock });
  const closing = new AbortController().signal;
  return {
    clock,
    journal,
    execute: (
      process: {
        readonly diesAfter?: string;
        readonly evidenceAtMs?: number;
        readonly locks?: (locks: Locks) => Locks;
      } = {},
    ): Execution => {
      const inner = createMemoryLocks({ clock });
      return new Execution(run, playedContext(clock, journal, process.diesAfter), {
        options: {
          actions,
          ports: { pager },
          clock,
          ids: createSequentialIds(),
          random: createSeededRandom(1),
          log: silentLogger,
          ...options,
        },
        owner: 'played',
        bodies: new BodiesInFlight(),
        nextExecution: () => 1,
        isAwake: () => true,
        locks: new RunLocks({
          locks: process.locks?.(inner),
          clock,
          log: silentLogger,
          ttlMs: 30_000,
          waitMs: 5_000,
          closing,
        }),
        closing,
        evidenceAtMs: () => process.evidenceAtMs,
      });
    },
  };
}
