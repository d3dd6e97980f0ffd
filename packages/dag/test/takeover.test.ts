import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '@lazarus/testing';
import { createActionRegistry, createMemoryJournal, openSqliteJournal } from '../src/index.ts';
import { readRun } from '../src/engine/run-reader.ts';
import type { Journal, JournalWrite } from '../src/index.ts';
import { aRequest, createBench, workflow } from './support/bench.ts';
import { createPair, withCalls } from './support/pair.ts';
import { createScript } from './support/script.ts';

const FLOW =
  'apiVersion: lazarus.dev/v1\nkind: Workflow\nmetadata: { name: test.flow, version: 1 }\nsteps: { a: { uses: test.do@1 } }\n';

function create(definition: ReturnType<typeof workflow>): JournalWrite {
  const request = aRequest({ workflow: 'test.flow' });
  const { runId } = request;
  const times = { startedAtMs: 0, deadlineAtMs: 9e9 };
  return { kind: 'create', owner: 'A', run: { runId, request, definition, inputs: {}, epoch: 1, ...times } };
}

function change(file: string, sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

describe('a run that cannot be read', () => {
  it.each([
    ['torn', "'{'"],
    ['empty', "'null'"],
    ['of another run', "replace(view, 'run-1', 'run-2')"],
  ])('keeps its status when its outcome is %s, and does not say how its page ended', async (_what, body) => {
    const script = createScript();
    const bench = createBench({ workflows: [workflow(FLOW, script.actions)], actions: script.actions });
    const engine = await bench.open();
    await engine.submit(aRequest({ workflow: 'test.flow', incidentKey: 'INC-1' }));
    const whole = await bench.finish(engine);
    change(bench.file, `UPDATE outcome SET view = ${body}`);
    const run = await engine.get('run-1');
    expect(run).toMatchObject({
      status: whole.status,
      ended_at: whole.ended_at,
      incident_key: 'INC-1',
      error: { code: 'LZ_INVARIANT_BROKEN' },
    });
    expect(run?.page).toBeUndefined();
  });

  it('is shown as running by a process that does not drive it, without a step', async () => {
    const script = createScript();
    script.replies['a'] = [{ hang: true }];
    const bench = createBench({ workflows: [workflow(FLOW, script.actions)], actions: script.actions });
    const engine = await bench.open();
    await engine.submit(aRequest({ workflow: 'test.flow' }));
    await bench.clock.advance(500);
    change(bench.file, "UPDATE entry SET body = '{'");
    const journal = await openSqliteJournal({ file: bench.file });
    onTestFinished(() => journal.close());
    const { actions } = script;
    const { clock } = bench;
    const log = silentLogger;
    const registry = createActionRegistry(actions);
    expect(await readRun(journal, 'run-1', { actions: registry, clock, log })).toMatchObject({
      status: 'running',
      error: { code: 'LZ_INVARIANT_BROKEN' },
      steps: [],
    });
  });
});

describe('a takeover', () => {
  it('leaves a run alone whose owner renewed its lease after it was judged', async () => {
    const { file } = createBench();
    const script = createScript();
    const owner = await openSqliteJournal({ file });
    const other = await openSqliteJournal({ file });
    onTestFinished(async () => {
      await owner.close();
      await other.close();
    });
    await owner.renew({ id: 'A', process: 'pa', leaseUntilMs: 1_000 });
    await owner.commit([create(workflow(FLOW, script.actions))]);
    let renewed: Promise<void> | undefined;
    const claim = { owner: 'B', nowMs: 2_000, max: 50, isGone: () => false };
    const canRun = (): boolean => {
      renewed ??= owner.renew({ id: 'A', process: 'pa', leaseUntilMs: 12_000 });
      return true;
    };
    expect(await other.claim({ ...claim, canRun })).toEqual([]);
    await renewed;
    expect(await owner.owned('A')).toEqual(new Map([['run-1', 1]]));
    expect(await other.claim({ ...claim, canRun, nowMs: 12_001 })).toHaveLength(1);
  });

  it.each([
    ['lines', "UPDATE entry SET body = '{' WHERE run = 1"],
    ['request', "UPDATE request SET body = '{' WHERE run = 1"],
    ['list of lines', "UPDATE entry SET body = 'null' WHERE run = 1"],
    ['definition', "UPDATE run SET definition = 'none' WHERE n = 1"],
  ])(
    'of a run with unreadable %s ends it and tells a human, and goes on with the others',
    async (what, sql) => {
      const script = createScript();
      script.replies['a'] = [{ hang: true }, { hang: true }, { give: {} }];
      const bench = createBench({ workflows: [workflow(FLOW, script.actions)], actions: script.actions });
      const first = await bench.open();
      await first.submit(aRequest({ workflow: 'test.flow', incidentKey: 'INC-1' }));
      await first.submit(aRequest({ workflow: 'test.flow', runId: 'run-2', incidentKey: 'INC-2' }));
      await bench.clock.advance(500);
      await first.close();
      change(bench.file, sql);
      const second = await bench.open();
      expect(second.health()).toEqual({ ok: true });
      expect(await bench.finish(second, 'run-2')).toMatchObject({ status: 'succeeded' });
      expect(await bench.finish(second, 'run-1')).toMatchObject({
        status: 'failed',
        page: what === 'request' ? 'left_alone' : 'escalated',
        error: { code: 'LZ_INVARIANT_BROKEN' },
      });
      expect(bench.world.escalations).toHaveLength(what === 'request' ? 0 : 1);
    },
  );

  it('drives nothing by a definition that its digest is not of, and tells a human', async () => {
    const script = createScript();
    script.replies['a'] = [{ hang: true }, { give: {} }];
    const bench = createBench({ workflows: [workflow(FLOW, script.actions)], actions: script.actions });
    const first = await bench.open();
    await first.submit(aRequest({ workflow: 'test.flow' }));
    await bench.clock.advance(500);
    await first.close();
    change(
      bench.file,
      `UPDATE definition SET body = replace(body, '"steps":[{"id":"a"', '"steps":[{"id":"b"')`,
    );
    const second = await bench.open();
    expect(await bench.finish(second)).toMatchObject({
      status: 'failed',
      page: 'escalated',
      error: { code: 'LZ_INVARIANT_BROKEN', message: expect.stringContaining('its digest') as string },
    });
    expect(script.bodies).toEqual(['a#1']);
    expect(bench.world.escalations).toHaveLength(1);
  });
});

describe('a wall clock that steps 29 min ahead', () => {
  it('takes no run from a process that lives', async () => {
    const { clock, script, start } = createPair('steps: { a: { uses: test.do@1, timeout: 1m } }');
    script.replies['a'] = [async (context) => (await context.clock.sleep(8_000), {}), { give: {} }];
    const one = await start('p1');
    const two = await start('p2');
    await one.submit(aRequest({ workflow: 'test.flow' }));
    await one.submit(aRequest({ workflow: 'test.flow', runId: 'run-2' }));
    await clock.advance(1_000);
    clock.jumpWall(1_800_000 - 60_000);
    for (let passedMs = 0; passedMs < 20_000; passedMs += 500) await clock.advance(500);
    expect(script.bodies).toEqual(['a#1', 'a#1']);
    expect(await one.get('run-1')).toMatchObject({ status: 'succeeded' });
    expect(two.activeRuns).toEqual([]);
  });

  it('does not keep the runs of a process that stands still', async () => {
    const { clock, journal, script, start } = createPair('steps: { a: { uses: test.do@1, timeout: 1m } }');
    script.replies['a'] = [{ hang: true }, { give: {} }];
    const never: Journal['renew'] = () => Promise.reject(new Error('no answer'));
    const calls: { renew?: Journal['renew'] } = {};
    const one = await start('p1', {}, withCalls(journal, calls));
    await start('p2');
    await one.submit(aRequest({ workflow: 'test.flow' }));
    calls.renew = never;
    for (let passedMs = 0; passedMs < 14_000; passedMs += 500) await clock.advance(500);
    expect(script.bodies).toEqual(['a#1', 'a#1']);
    delete calls.renew;
  });
});

describe.each(['memory', 'sqlite'] as const)('the lines of a run (%s)', (kind) => {
  it('are refused behind a line that is not there', async () => {
    const script = createScript();
    const journal: Journal =
      kind === 'memory' ? createMemoryJournal() : await openSqliteJournal({ file: createBench().file });
    onTestFinished(() => journal.close());
    await journal.commit([create(workflow(FLOW, script.actions))]);
    const line = { kind: 'now', value: 1 } as const;
    const write = (from: number, entries = [line]): JournalWrite => ({
      kind: 'append',
      runId: 'run-1',
      owner: 'A',
      epoch: 1,
      from,
      entries,
    });
    expect(await journal.commit([write(1)])).toEqual(['fenced']);
    expect(await journal.commit([write(0, [line, line]), write(1)])).toEqual(['done', 'fenced']);
    expect(await journal.commit([write(2)])).toEqual(['done']);
    expect((await journal.load('run-1'))?.entries).toHaveLength(3);
  });
});
