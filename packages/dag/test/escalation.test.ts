import { PortError } from '@lazarus/core';
import type { Pager } from '@lazarus/core/ports';
import { createSeededRandom, createSequentialIds, silentLogger } from '@lazarus/testing';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { builtinActions, createActionRegistry, createEngine, createMemoryJournal } from '../src/index.ts';
import type { EmbeddedEngine, EngineOptions } from '../src/index.ts';
import { aRequest, createBench, workflow } from './support/bench.ts';
import type { Bench } from './support/bench.ts';
import { breakable } from './support/breakable.ts';
import { createScript } from './support/script.ts';
import type { Script } from './support/script.ts';
import { refused } from './support/world.ts';

const HEAD = 'apiVersion: lazarus.dev/v1\nkind: Workflow\nmetadata: { name: test.flow, version: 1 }\n';
const FLOW = `${HEAD}steps:\n  a: { uses: test.do@1 }\n  b: { uses: test.do@1, needs: [a] }\n`;
const hang = (): Promise<never> => new Promise(() => undefined);

/** A run in flight on a journal that can be broken. */
async function inFlight(overrides: (bench: Bench) => Partial<EngineOptions>): Promise<{
  readonly bench: Bench;
  readonly engine: EmbeddedEngine;
  readonly script: Script;
  break(message: string | undefined): void;
}> {
  const script = createScript();
  const bench = createBench();
  const { journal, break: breakJournal } = breakable(createMemoryJournal());
  const engine = await createEngine(journal, {
    actions: createActionRegistry([...builtinActions, ...script.actions]),
    workflows: [workflow(FLOW, script.actions)],
    ports: bench.world.ports,
    clock: bench.clock,
    ids: createSequentialIds(),
    random: createSeededRandom(1),
    log: silentLogger,
    processes: { self: 'p', isGone: () => false },
    ...overrides(bench),
  });
  onTestFinished(() => engine.close());
  script.replies['a'] = [async ({ clock }) => (await clock.sleep(3_000), {})];
  await engine.submit(aRequest({ workflow: 'test.flow' }));
  await bench.clock.advance(1_000);
  return { bench, engine, script, break: breakJournal };
}

describe('a human is told', () => {
  it('at once although the notifier hangs', async () => {
    const run = await inFlight(({ world }) => ({ ports: { ...world.ports, notifier: { send: hang } } }));
    run.break('disk is full');
    await run.bench.clock.advance(2_100);
    expect(run.bench.world.escalations).toEqual([expect.stringContaining('disk is full')]);
  });

  it('at the 2nd try, within 6 s, when the pager hangs at the 1st', async () => {
    let calls = 0;
    const run = await inFlight(({ world }) => {
      const pager: Pager = {
        ...world.pager,
        escalate: (call) => ((calls += 1) === 1 ? hang() : world.pager.escalate(call)),
      };
      return { ports: { ...world.ports, pager } };
    });
    run.break('disk is full');
    await run.bench.clock.advance(2_100 + 4_900);
    expect(run.bench.world.escalations).toHaveLength(0);
    await run.bench.clock.advance(700);
    expect(run.bench.world.escalations).toHaveLength(1);
  });

  it('when the pager refuses for a minute: it is asked up to 10 times', async () => {
    let calls = 0;
    const run = await inFlight(({ world }) => {
      const pager: Pager = {
        ...world.pager,
        escalate: async () => {
          calls += 1;
          throw new PortError({ code: 'LZ_PAGER_UNAVAILABLE', message: 'away', retryable: true });
        },
      };
      return { ports: { ...world.ports, pager } };
    });
    run.break('disk is full');
    await run.bench.clock.advance(60_000);
    expect(calls).toBeGreaterThanOrEqual(8);
    await run.bench.clock.advance(60_000);
    expect(calls).toBe(10);
  });

  it('in plain words when the words of the document cannot be put together', async () => {
    const script = createScript();
    script.replies['a'] = [{ fail: refused('denied') }];
    const flow = `${HEAD}steps: { a: { uses: test.do@1 } }
on_error: { steps: { tell: { uses: pager.escalate@1, with: { incident: INC-1, reason: '\${{ event.attributes.rack + 1 }}' } } } }
`;
    const bench = createBench({ workflows: [workflow(flow, script.actions)], actions: script.actions });
    const engine = await bench.open();
    await engine.submit(aRequest({ workflow: 'test.flow' }));
    expect(await bench.finish(engine)).toMatchObject({ status: 'failed', page: 'escalated' });
    expect(bench.world.escalations).toEqual(['a LZ_ACTUATOR_REFUSED denied']);
  });

  it('although the budget hangs, and the run still ends', async () => {
    const script = createScript();
    script.replies['a'] = [{ fail: refused() }];
    const bench = createBench({ workflows: [workflow(FLOW, script.actions)], actions: script.actions });
    const held = { granted: true, inFlight: 1, perHour: 1 } as const;
    const engine = await bench.open({
      budgets: { reserve: async () => held, peek: async () => held, holds: async () => true, settle: hang },
    });
    await engine.submit(aRequest({ workflow: 'test.flow' }));
    await bench.clock.advance(500);
    expect(bench.world.escalations).toHaveLength(1);
    expect(engine.activeRuns).toEqual(['run-1']);
    expect((await bench.finish(engine)).status).toBe('failed');
    expect(engine.activeRuns).toEqual([]);
  });
});

describe('a run that no code can drive any more', () => {
  it('because its journal does not fit is ended: a human is told, the budget is spent, the lock is free', async () => {
    const script = createScript();
    const bench = createBench({ workflows: [workflow(FLOW, script.actions)], actions: script.actions });
    script.replies['a'] = [async ({ clock }) => (await clock.sleep(3_000), {})];
    const first = await bench.open();
    await first.submit(aRequest({ workflow: 'test.flow' }));
    await bench.clock.advance(4_000);
    await bench.clock.settle();
    await first.close();
    const database = new DatabaseSync(bench.file);
    database.exec(`UPDATE run SET status = 'running', ended_at = NULL; DELETE FROM outcome;
      UPDATE entry SET body = replace(body, 'a#1', 'z#1')`);
    database.close();
    const settled: unknown[] = [];
    const held = { granted: true, inFlight: 1, perHour: 1 } as const;
    const second = await bench.open({
      budgets: {
        reserve: async () => held,
        peek: async () => held,
        holds: async () => true,
        settle: async (id, options) => void settled.push([id, options]),
      },
    });
    const run = await bench.finish(second);
    expect(run).toMatchObject({
      status: 'failed',
      page: 'escalated',
      error: { code: 'LZ_INVARIANT_BROKEN' },
    });
    expect(bench.world.escalations[0]).toContain('found {"kind":"intent","key":"z#1"}');
    expect(settled).toEqual([['run-1', { effects: true }]]);
    expect(second.activeRuns).toEqual([]);
  });

  it('because no process has its actions is ended at its deadline, and a human is told', async () => {
    const script = createScript();
    const flow = workflow(FLOW, script.actions);
    const bench = createBench({ workflows: [flow], actions: script.actions });
    script.replies['a'] = [{ hang: true }];
    const first = await bench.open();
    await first.submit(aRequest({ workflow: 'test.flow', timeoutMs: 120_000 }));
    await bench.clock.advance(1_000);
    await first.close();
    const stranger = await bench.open({ actions: createActionRegistry(builtinActions), workflows: [] });
    await bench.clock.advance(100_000);
    expect(bench.world.escalations).toEqual([]);
    expect((await stranger.get('run-1'))?.status).toBe('running');
    await bench.clock.advance(22_000);
    expect(bench.world.escalations).toEqual([expect.stringContaining('no process had every action')]);
    expect(await stranger.get('run-1')).toMatchObject({ status: 'failed', page: 'escalated' });
  });
});
