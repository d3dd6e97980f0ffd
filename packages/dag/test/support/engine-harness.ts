import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, Pager } from '@lazarus/core/ports';
import { createManualClock, createSeededRandom, createSequentialIds, silentLogger } from '@lazarus/testing';
import { gateAction, ProcessGate } from '@lazarus/testing/contracts';
import type { EngineHarness, EngineProcess } from '@lazarus/testing/contracts';
import { createActionRegistry, createEngine, openSqliteJournal } from '../../src/index.ts';
import type { Journal } from '../../src/index.ts';

function gatedJournal(journal: Journal, gate: ProcessGate): Journal {
  return new Proxy(journal, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== 'function') return member;
      if (key === 'close') return () => target.close();
      return async (...args: unknown[]) => {
        await gate.pass();
        return Reflect.apply(member as (...all: unknown[]) => unknown, target, args);
      };
    },
  });
}

/** What the engine does to pages by itself, beside the workflow. */
function recordingPager(escalations: string[]): Pager {
  const refuse = async () => ({ done: false, reason: 'not_found' }) as const;
  return {
    find: async () => undefined,
    acknowledge: refuse,
    resolve: refuse,
    escalate: async ({ incidentKey }) => (escalations.push(incidentKey), refuse()),
  };
}

/** Processes in this process, over one file and one manual clock. */
export async function createEmbeddedHarness(): Promise<EngineHarness> {
  const clock = createManualClock();
  const folder = mkdtempSync(join(tmpdir(), 'lazarus-engine-'));
  const ids = createSequentialIds();
  const journals: Journal[] = [];
  const engines: { close(): Promise<void>; readonly gate: ProcessGate }[] = [];
  const dead = new Set<string>();
  const escalations: string[] = [];

  return {
    escalations,
    start: async ({ actions, workflows, guard }): Promise<EngineProcess> => {
      const gate = new ProcessGate();
      const self = `process-${journals.length + 1}`;
      const journal = await openSqliteJournal({ file: join(folder, 'runs.db') });
      journals.push(journal);
      const gatedClock: Clock = {
        ...clock,
        now: clock.now,
        monotonic: clock.monotonic,
        sleep: async (ms, options) => {
          await clock.sleep(ms, options);
          await gate.pass();
        },
      };
      const engine = await createEngine(gatedJournal(journal, gate), {
        actions: createActionRegistry(actions.map((action) => gateAction(action, gate))),
        workflows,
        ports: { pager: recordingPager(escalations) },
        clock: gatedClock,
        ids,
        random: createSeededRandom(journals.length),
        log: silentLogger,
        ...(guard === undefined ? {} : { guard }),
        processes: { self, isGone: (process) => dead.has(process) },
      });
      engines.push({ close: () => engine.close(), gate });
      return {
        engine,
        kill: () => {
          gate.close();
          dead.add(self);
        },
        freeze: () => gate.close(),
        thaw: () => gate.open(),
      };
    },
    until: async (condition, limitMs) => {
      const endMs = clock.monotonic() + limitMs;
      while (!(await condition())) {
        if (clock.monotonic() >= endMs) throw new Error(`not so within ${limitMs} ms`);
        await clock.advance(100);
      }
    },
    jumpWall: (ms) => clock.jumpWall(ms),
    close: async () => {
      for (const { gate, close } of engines) {
        gate.open();
        await close();
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
