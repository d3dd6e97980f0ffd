import { createSeededRandom, createSequentialIds, silentLogger } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { builtinActions, createActionRegistry, createEngine, openSqliteJournal } from '../src/index.ts';
import type { WorkflowDefinition } from '../src/index.ts';
import { aRequest, createBench, shipped } from './support/bench.ts';
import type { Bench } from './support/bench.ts';
import { Life, mortalJournal, mortalPorts } from './support/mortal.ts';

const actions = createActionRegistry(builtinActions);

/** Runs the workflow in a process that dies at the given point, then in one that lives on. */
async function dieAndResume(bench: Bench, definition: WorkflowDefinition, endAt: number): Promise<Life> {
  const { clock, world, file } = bench;
  const life = new Life(endAt);
  const raw = await openSqliteJournal({ file });
  const opened = createEngine(mortalJournal(raw, life), {
    actions,
    workflows: [definition],
    ports: mortalPorts(world.ports, life),
    clock,
    ids: { next: () => 'mortal' },
    random: createSeededRandom(7),
    log: silentLogger,
    processes: { self: 'mortal', isGone: () => false },
    onBoundary: (boundary, key) => life.point(`${boundary} ${key}`),
  });
  const first = await opened;
  void first.submit(aRequest());
  while (!life.isOver && ((await first.get('run-1'))?.status ?? 'running') === 'running')
    await clock.advance(100);
  await raw.close();
  return life;
}

describe('a run whose process dies', () => {
  it('repeats no effect and skips none, wherever it dies', async () => {
    const definition = shipped('replace_host');
    let last = 0;
    for (let endAt = 1; last === 0; endAt += 1) {
      const bench = createBench({ workflows: [definition] });
      const life = await dieAndResume(bench, definition, endAt);
      if (!life.isOver) {
        last = endAt;
        break;
      }
      const where = `${endAt}: ${life.trail.at(-1) ?? ''}`;
      const second = await bench.open({ ids: createSequentialIds() });
      await second.submit(aRequest());
      const run = await bench.finish(second);
      expect({ where, status: run.status, page: run.page, error: run.error }).toEqual({
        where,
        status: 'succeeded',
        page: 'resolved',
        error: undefined,
      });
      expect({ where, story: [...bench.world.story].sort() }).toEqual({
        where,
        story: [
          'forensics i-old',
          'launch i-new1',
          'lb.add i-new1',
          'lb.remove i-old',
          'page acknowledged INC-1',
          'page resolved INC-1',
        ],
      });
      expect({ where, clones: bench.world.calls.filter((call) => call === 'clone').length }).toEqual({
        where,
        clones: 1,
      });
      await second.close();
    }
    expect(last).toBeGreaterThan(60);
  }, 120_000);
});
