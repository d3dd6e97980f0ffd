import { describe, expect, it } from 'vitest';
import { aRequest, createBench, workflow } from './support/bench.ts';
import { createScript } from './support/script.ts';

const HEAD = 'apiVersion: lazarus.dev/v1\nkind: Workflow\nmetadata: { name: test.flow, version: 1 }\n';
const HOUR = 3_600_000;
const POLL = `${HEAD}steps: { a: { uses: test.look@1, timeout: 20m, poll: { every: 5s, until: '\${{ result.n >= 5 }}' } } }\n`;
const WAIT = `${HEAD}steps: { a: { wait: 10m } }\n`;

function aBench(text: string) {
  const script = createScript();
  script.replies['a'] = [
    async ({ previous }) => ({ n: ((previous as { n?: number } | undefined)?.n ?? 0) + 1 }),
  ];
  return createBench({ workflows: [workflow(text, script.actions)], actions: script.actions });
}

describe('a wall clock that is set while a run goes on', () => {
  it.each([
    ['back', -HOUR],
    ['ahead', HOUR],
  ])('%s by 1 h does not stop a poll: 5 questions take 20 s', async (_title, jumpMs) => {
    const bench = aBench(POLL);
    const engine = await bench.open();
    await engine.submit(aRequest({ workflow: 'test.flow' }));
    await bench.clock.advance(7_000);
    bench.clock.jumpWall(jumpMs);
    await bench.clock.advance(13_100);
    expect(await engine.get('run-1')).toMatchObject({ status: 'succeeded', steps: [{ attempts: 5 }] });
  });

  it('ahead by 1 h cuts no wait of 10 min short, and does not end the run', async () => {
    const bench = aBench(WAIT);
    const engine = await bench.open();
    await engine.submit(aRequest({ workflow: 'test.flow' }));
    await bench.clock.advance(60_000);
    bench.clock.jumpWall(HOUR);
    await bench.clock.advance(8 * 60_000);
    expect((await engine.get('run-1'))?.status).toBe('running');
    await bench.clock.advance(61_000);
    expect((await engine.get('run-1'))?.status).toBe('succeeded');
  });

  it('back by 1 h does not prolong a run: it ends 30 min after its start', async () => {
    const bench = aBench(`${HEAD}steps: { a: { wait: 10h } }\n`);
    const first = await bench.open();
    await first.submit(aRequest({ workflow: 'test.flow' }));
    await bench.clock.advance(10 * 60_000);
    bench.clock.jumpWall(-HOUR);
    await bench.clock.advance(10 * 60_000);
    expect((await first.get('run-1'))?.status).toBe('running');
    await bench.clock.advance(10 * 60_000 + 1_000);
    expect((await first.get('run-1'))?.status).toBe('timed_out');
    expect(bench.world.escalations).toHaveLength(1);
  });

  it('never lets a run go back in time when another process with an earlier clock takes it over', async () => {
    const bench = aBench(POLL);
    const first = await bench.open();
    await first.submit(aRequest({ workflow: 'test.flow' }));
    await bench.clock.advance(7_000);
    await first.close();
    bench.clock.jumpWall(-HOUR);
    const second = await bench.open();
    const run = await bench.finish(second);
    expect(run.status).toBe('succeeded');
    expect(Date.parse(run.ended_at ?? '') - Date.parse(run.started_at)).toBeGreaterThanOrEqual(15_000);
  });
});
