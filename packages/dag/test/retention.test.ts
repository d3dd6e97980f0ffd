import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSqliteJournal } from '../src/index.ts';
import { aRequest, createBench, workflow } from './support/bench.ts';
import { createScript } from './support/script.ts';

const DAY_MS = 86_400_000;
const FLOW = `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: test.flow, version: 1 }
steps: { a: { uses: test.do@1 } }
`;

function pagesOf(file: string): number {
  const database = new DatabaseSync(file);
  const { page_count: pages } = database.prepare('PRAGMA page_count').get() ?? {};
  database.close();
  return Number(pages);
}

describe('an engine that goes on for months', () => {
  it('deletes the lines of finished runs after 7 days and the runs after 90 by itself, and leaves the open one', async () => {
    const script = createScript();
    const bench = createBench({ workflows: [workflow(FLOW, script.actions)], actions: script.actions });
    script.replies['a'] = [{ give: {} }, { hang: true }];
    const engine = await bench.open();
    await engine.submit(aRequest({ workflow: 'test.flow' }));
    await bench.finish(engine);
    await engine.submit(aRequest({ workflow: 'test.flow', runId: 'open', timeoutMs: 200 * DAY_MS }));
    const journal = await openSqliteJournal({ file: bench.file });
    onTestFinished(() => journal.close());
    const lines = async (runId: string): Promise<number | undefined> =>
      (await journal.load(runId))?.entries.length;
    expect(await lines('run-1')).toBeGreaterThan(0);
    bench.clock.jumpWall(7 * DAY_MS + 60_000);
    for (let passedMs = 0; passedMs < 61_000; passedMs += 1_000) await bench.clock.advance(1_000);
    expect(await lines('run-1')).toBe(0);
    expect(await engine.get('run-1')).toMatchObject({ status: 'succeeded' });
    bench.clock.jumpWall(83 * DAY_MS);
    for (let passedMs = 0; passedMs < 61_000; passedMs += 1_000) await bench.clock.advance(1_000);
    expect(await engine.get('run-1')).toBeUndefined();
    expect(await lines('open')).toBeGreaterThan(0);
  });

  it('gives the disk back what 300 deleted runs took', async () => {
    const script = createScript();
    const bench = createBench({ workflows: [workflow(FLOW, script.actions)], actions: script.actions });
    script.replies['a'] = [{ give: { text: 'x'.repeat(8_000) } }];
    const engine = await bench.open();
    for (let index = 0; index < 300; index += 1) {
      await engine.submit(aRequest({ workflow: 'test.flow', runId: `run-${index}` }));
      await bench.finish(engine, `run-${index}`);
    }
    const before = pagesOf(bench.file);
    const journal = await openSqliteJournal({ file: bench.file });
    onTestFinished(() => journal.close());
    const retention = { entriesMs: 0, runsMs: 0 };
    const prune = (): Promise<number> => journal.prune(bench.clock.now() + 1, retention);
    expect([await prune(), await prune(), await prune()].map((runs) => runs > 0)).toEqual([
      true,
      true,
      false,
    ]);
    // A round gives 1 MB back, also when there is nothing more to delete.
    for (let round = 0; round < 4; round += 1) await prune();
    expect(pagesOf(bench.file)).toBeLessThan(before / 10);
  });
});
