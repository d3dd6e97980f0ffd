import { createManualClock, createSeededRandom, createSequentialIds, silentLogger } from '@lazarus/testing';
import type { ManualClock } from '@lazarus/testing';
import { onTestFinished } from 'vitest';
import { builtinActions, createActionRegistry, createEngine, createMemoryJournal } from '../../src/index.ts';
import type { EmbeddedEngine, EngineOptions, Journal } from '../../src/index.ts';
import { workflow } from './bench.ts';
import { createScript } from './script.ts';
import type { Script } from './script.ts';
import { World } from './world.ts';

/** Processes side by side over one journal and one clock. */
export interface Pair {
  readonly clock: ManualClock;
  readonly world: World;
  readonly script: Script;
  readonly journal: Journal;
  /** Processes that everybody knows to be gone. */
  readonly dead: Set<string>;
  /** Starts a process; its journal may be one in between. */
  start(self: string, overrides?: Partial<EngineOptions>, journal?: Journal): Promise<EmbeddedEngine>;
}

/** Processes that can run the workflow `test.flow` with these steps. */
export function createPair(steps: string): Pair {
  const clock = createManualClock();
  const world = new World();
  const script = createScript();
  const journal = createMemoryJournal();
  const dead = new Set<string>();
  const text = `apiVersion: lazarus.dev/v1\nkind: Workflow\nmetadata: { name: test.flow, version: 1 }\n${steps}`;
  const options = {
    actions: createActionRegistry([...builtinActions, ...script.actions]),
    workflows: [workflow(text, script.actions)],
    ports: world.ports,
    clock,
    ids: createSequentialIds(),
    random: createSeededRandom(1),
    log: silentLogger,
    schedule: queueMicrotask,
  };
  return {
    clock,
    world,
    script,
    journal,
    dead,
    start: async (self, overrides = {}, own = journal) => {
      const processes = { self, isGone: (process: string) => dead.has(process) };
      const engine = await createEngine(own, { ...options, processes, ...overrides });
      onTestFinished(() => engine.close());
      return engine;
    },
  };
}

/** The journal as somebody sees it for whom a call goes another way. */
export function withCalls(journal: Journal, calls: Partial<Journal>): Journal {
  return new Proxy(journal, {
    get: (target, key) => {
      const own: unknown = Reflect.get(calls, key);
      if (own !== undefined) return own;
      const member: unknown = Reflect.get(target, key);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
