import type { RunView } from '@lazarus/core/ports';
import {
  createRecordingLogger,
  createSeededRandom,
  createSequentialIds,
  silentLogger,
} from '@lazarus/testing';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  builtinActions,
  createActionRegistry,
  createEngine,
  createMemoryJournal,
  openSqliteJournal,
} from '../src/index.ts';
import type { WorkflowDefinition } from '../src/index.ts';
import { aRequest, createBench, shipped, workflow } from './support/bench.ts';
import { breakable } from './support/breakable.ts';
import { createScript } from './support/script.ts';
import type { Script } from './support/script.ts';

const FLOW = `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: test.flow, version: 1 }
steps:
  a: { uses: test.do@1 }
  b: { uses: test.do@1, needs: [a] }
`;

describe('a full disk', () => {
  it('starts no run, tells the people behind running ones at once, and cancels those when there is room again', async () => {
    const script = createScript();
    const bench = createBench({ workflows: [workflow(FLOW, script.actions)], actions: script.actions });
    const { journal, break: breakJournal } = breakable(createMemoryJournal());
    const log = createRecordingLogger();
    const engine = await createEngine(journal, {
      actions: createActionRegistry([...builtinActions, ...script.actions]),
      workflows: [workflow(FLOW, script.actions)],
      ports: bench.world.ports,
      clock: bench.clock,
      ids: createSequentialIds(),
      random: createSeededRandom(1),
      log,
      processes: { self: 'p', isGone: () => false },
    });
    onTestFinished(() => engine.close());
    script.replies['a'] = [async ({ clock }) => (await clock.sleep(3_000), {})];
    await engine.submit(aRequest({ workflow: 'test.flow' }));
    await bench.clock.advance(1_000);
    breakJournal('disk is full');
    await bench.clock.advance(5_000);

    expect(bench.world.escalations).toHaveLength(1);
    expect(bench.world.escalations[0]).toContain('disk is full');
    expect(bench.world.notifications.map(({ kind }) => kind)).toEqual(['alarm']);
    expect(engine.health()).toEqual({ ok: false, reason: expect.stringContaining('disk is full') as string });
    await expect(engine.submit(aRequest({ runId: 'run-2', workflow: 'test.flow' }))).rejects.toMatchObject({
      code: 'LZ_JOURNAL_UNAVAILABLE',
    });
    expect(script.bodies).toEqual(['a#1']);

    breakJournal(undefined);
    const run = await bench.finish(engine);
    expect(engine.health()).toEqual({ ok: true });
    expect(run).toMatchObject({ status: 'canceled', page: 'escalated' });
    expect(script.bodies).not.toContain('b#1');
    expect(bench.world.escalations).toHaveLength(1);
    expect(
      log.lines.some(({ level, message }) => level === 'error' && message.includes('journal failed')),
    ).toBe(true);
  });

  it('is a clear refusal when the file cannot be opened', async () => {
    await expect(openSqliteJournal({ file: '/proc/nowhere/runs.db' })).rejects.toMatchObject({
      code: 'LZ_JOURNAL_UNAVAILABLE',
    });
  });
});

describe('the SQLite journal', () => {
  it('is in WAL mode', async () => {
    const bench = createBench();
    const engine = await bench.open();
    await engine.submit(aRequest());
    const database = new DatabaseSync(bench.file);
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    database.close();
  });

  it('commits a run of 9 steps with a parallel pair in at most one transaction per wave, start included', async () => {
    const bench = createBench();
    const engine = await bench.open();
    const before = engine.commits;
    await engine.submit(aRequest({ inputs: { consecutive_ok: 1 } }));
    await bench.clock.settle();
    await bench.clock.settle();
    while ((await engine.get('run-1'))?.status === 'running') await bench.clock.settle();
    // Start, 8 waves of steps, finally, and the end.
    expect(engine.commits - before).toBeLessThanOrEqual(11);
  });

  it('answers for runs that are finished, running elsewhere, or unknown', async () => {
    const bench = createBench();
    const first = await bench.open();
    bench.world.disturb = (call) => (call === 'lb.add' ? new Promise(() => undefined) : undefined);
    await first.submit(aRequest());
    await bench.clock.advance(8_000);
    const other = await openSqliteJournal({ file: bench.file });
    const reader = await createEngine(other, {
      actions: createActionRegistry(builtinActions),
      workflows: [shipped('replace_host')],
      ports: bench.world.ports,
      clock: bench.clock,
      ids: { next: () => 'reader' },
      random: createSeededRandom(1),
      log: silentLogger,
      processes: { self: 'reader', isGone: () => false },
    });
    onTestFinished(() => reader.close());
    const seen = await reader.get('run-1');
    expect(seen).toEqual(await first.get('run-1'));
    expect(
      seen?.steps.filter(({ status }) => status !== 'waiting').map(({ step, status }) => `${step} ${status}`),
    ).toEqual([
      'acknowledge succeeded',
      'out_of_lb succeeded',
      'clone succeeded',
      'booted succeeded',
      'verify succeeded',
      'into_lb running',
    ]);
    expect(await reader.get('run-9')).toBeUndefined();
    expect(await reader.listRuns({ status: 'running' })).toMatchObject([
      { runId: 'run-1', workflow: 'default.replace_host', hostId: 'i-old', status: 'running' },
    ]);
  });

  it('refuses lines of an owner that was replaced, in the same transaction', async () => {
    const bench = createBench();
    const journal = await openSqliteJournal({ file: bench.file });
    onTestFinished(() => journal.close());
    const definition = shipped('notify_only');
    const run = {
      runId: 'r',
      request: aRequest({ runId: 'r' }),
      definition,
      inputs: {},
      startedAtMs: 0,
      deadlineAtMs: 1,
      epoch: 1,
    };
    await journal.renew({ id: 'old', process: 'p1', leaseUntilMs: 10 });
    await journal.renew({ id: 'new', process: 'p2', leaseUntilMs: 1_000 });
    expect(await journal.commit([{ kind: 'create', owner: 'old', run }])).toEqual(['done']);
    expect(await journal.commit([{ kind: 'create', owner: 'new', run }])).toEqual(['exists']);
    const append = (owner: string, epoch: number, from: number) => ({
      kind: 'append' as const,
      runId: 'r',
      owner,
      epoch,
      from,
      entries: [{ kind: 'intent' as const, key: 'a#1' }],
    });
    expect(await journal.commit([append('old', 1, 0)])).toEqual(['done']);
    const claim = { owner: 'new', nowMs: 11, max: 10, isGone: () => false, canRun: () => true };
    expect((await journal.claim({ ...claim, nowMs: 9 })).length).toBe(0);
    const [claimed] = await journal.claim(claim);
    expect(claimed).toMatchObject({
      run: { runId: 'r', epoch: 2 },
      entries: [{ kind: 'intent', key: 'a#1' }],
    });
    expect(await journal.commit([append('old', 1, 1), append('old', 2, 1), append('new', 2, 1)])).toEqual([
      'fenced',
      'fenced',
      'done',
    ]);
    expect((await journal.load('r'))?.entries).toHaveLength(2);
  });

  it('notices a takeover by another process although it has just written to the run', async () => {
    const bench = createBench();
    const [mine, theirs] = [
      await openSqliteJournal({ file: bench.file }),
      await openSqliteJournal({ file: bench.file }),
    ];
    onTestFinished(async () => {
      await mine.close();
      await theirs.close();
    });
    const run = {
      runId: 'r',
      request: aRequest({ runId: 'r' }),
      definition: shipped('notify_only'),
      inputs: {},
      startedAtMs: 0,
      deadlineAtMs: 1,
      epoch: 1,
    };
    const append = (from: number) => [
      {
        kind: 'append' as const,
        runId: 'r',
        owner: 'old',
        epoch: 1,
        from,
        entries: [{ kind: 'now' as const, value: from }],
      },
    ];
    await mine.renew({ id: 'old', process: 'p1', leaseUntilMs: 10 });
    await mine.commit([{ kind: 'create', owner: 'old', run }]);
    expect(await mine.commit(append(0))).toEqual(['done']);
    expect(await mine.commit(append(1))).toEqual(['done']);
    await theirs.renew({ id: 'new', process: 'p2', leaseUntilMs: 1_000 });
    expect(
      await theirs.claim({ owner: 'new', nowMs: 11, max: 1, isGone: () => false, canRun: () => true }),
    ).toHaveLength(1);
    expect(await mine.commit(append(2))).toEqual(['fenced']);
    expect((await theirs.load('r'))?.entries).toHaveLength(2);
  });

  it('deletes the lines of finished runs after 7 days and the runs after 90, and keeps running ones', async () => {
    const bench = createBench({ workflows: [shipped('notify_only')] });
    const engine = await bench.open();
    for (const runId of ['old', 'young']) {
      await engine.submit(aRequest({ runId, workflow: 'default.notify_only' }));
      await bench.finish(engine, runId);
      if (runId === 'old') bench.clock.jumpWall(8 * 86_400_000);
    }
    const journal = await openSqliteJournal({ file: bench.file });
    onTestFinished(() => journal.close());
    const day = 86_400_000;
    const retention = { entriesMs: 7 * day, runsMs: 90 * day };
    await journal.prune(bench.clock.now(), retention);
    expect((await journal.load('old'))?.entries).toEqual([]);
    expect((await journal.load('young'))?.entries.length).toBeGreaterThan(0);
    expect((await engine.get('old'))?.status).toBe('succeeded');
    await journal.prune(bench.clock.now() + 83 * day, retention);
    expect(await engine.get('old')).toBeUndefined();
    expect((await engine.get('young'))?.status).toBe('succeeded');
  });
});

describe('listeners', () => {
  it('hear of each run that ends here once, after it is durable, also when one of them throws', async () => {
    const bench = createBench();
    const engine = await bench.open();
    const seen: RunView[] = [];
    engine.onFinished(() => {
      throw new Error('a listener of somebody else');
    });
    const unsubscribe = engine.onFinished((run) => seen.push(run));
    await engine.submit(aRequest());
    await bench.finish(engine);
    expect(seen.map(({ run_id, status }) => `${run_id} ${status}`)).toEqual(['run-1 succeeded']);
    unsubscribe();
    await engine.submit(aRequest({ runId: 'run-2', workflow: 'default.notify_only' }));
    await bench.finish(engine, 'run-2');
    expect(seen).toHaveLength(1);
  });
});

describe('workflows', () => {
  it('that need a port which was not passed cannot be started, and the message names it', async () => {
    const bench = createBench();
    const engine = await bench.open({ ports: { pager: bench.world.pager } });
    await expect(engine.submit(aRequest())).rejects.toMatchObject({
      code: 'LZ_PORT_MISSING',
      message: expect.stringContaining('host.clone@1 needs the port "hosts"') as string,
    });
    expect(await engine.get('run-1')).toBeUndefined();
  });

  it('that call an action which does not exist are refused at construction', async () => {
    const script = createScript();
    const bench = createBench({ workflows: [workflow(FLOW, script.actions)] });
    await expect(bench.open()).rejects.toMatchObject({ code: 'LZ_CONFIG_INVALID' });
  });

  it('can be replaced while the engine runs; a run in flight keeps its own', async () => {
    const script = createScript();
    const bench = createBench({ workflows: [workflow(FLOW, script.actions)], actions: script.actions });
    script.replies['a'] = [async ({ clock }) => (await clock.sleep(5_000), {})];
    const engine = await bench.open();
    await engine.submit(aRequest({ workflow: 'test.flow' }));
    engine.setWorkflows([
      workflow(
        FLOW.replace('version: 1', 'version: 2').replace('  b: { uses: test.do@1, needs: [a] }\n', ''),
        script.actions,
      ),
    ]);
    expect((await bench.finish(engine)).steps.map(({ step }) => step)).toEqual(['a', 'b']);
    await engine.submit(aRequest({ runId: 'run-2', workflow: 'test.flow' }));
    expect((await bench.finish(engine, 'run-2')).steps.map(({ step }) => step)).toEqual(['a']);
  });
});

describe('a run that is submitted again', () => {
  it('after its end starts nothing, shows nobody any progress, and is seen as ended at once', async () => {
    const script = createScript();
    const bench = createBench({ workflows: [workflow(FLOW, script.actions)], actions: script.actions });
    const first = await bench.open();
    await first.submit(aRequest({ workflow: 'test.flow' }));
    await bench.finish(first);
    const progress: string[] = [];
    const second = await bench.open({ onStep: ({ step }) => progress.push(step.step) });
    expect(await second.submit(aRequest({ workflow: 'test.flow' }))).toBe('exists');
    expect((await second.get('run-1'))?.status).toBe('succeeded');
    await bench.clock.advance(1_000);
    expect(progress).toEqual([]);
    expect(script.bodies).toEqual(['a#1', 'b#1']);
    await second.submit(aRequest({ workflow: 'test.flow', runId: 'run-2' }));
    await bench.finish(second, 'run-2');
    expect(progress).toEqual(['a', 'a', 'b', 'b']);
  });

  it('while the journal has failed is known to exist, and goes on when it works again', async () => {
    const script = createScript();
    const { journal, break: breakJournal } = breakable(createMemoryJournal());
    const bench = createBench();
    const engine = await createEngine(journal, {
      actions: createActionRegistry([...builtinActions, ...script.actions]),
      workflows: [workflow(FLOW, script.actions)],
      ports: bench.world.ports,
      clock: bench.clock,
      ids: createSequentialIds(),
      random: createSeededRandom(1),
      log: silentLogger,
      times: { sweepMs: 50 },
      processes: { self: 'p', isGone: () => false },
    });
    onTestFinished(() => engine.close());
    script.replies['a'] = [async ({ clock }) => (await clock.sleep(3_000), {})];
    await engine.submit(aRequest({ workflow: 'test.flow' }));
    await bench.clock.advance(1_000);
    breakJournal('disk is full');
    await bench.clock.advance(3_000);
    breakJournal(undefined);
    await bench.clock.advance(49);
    const again = engine.submit(aRequest({ workflow: 'test.flow' })).catch(() => 'refused');
    expect(['exists', 'refused']).toContain(await again);
    expect((await bench.finish(engine)).status).toBe('canceled');
    expect(script.bodies).not.toContain('b#1');
  });
});

describe('a workflow digest', () => {
  const flowOf = (version: number, description: string, script: Script): WorkflowDefinition =>
    workflow(
      FLOW.replace('version: 1 }', `version: ${version}, description: ${description} }`),
      script.actions,
    );

  it('of a definition that a reload replaced after the ballot starts nothing, and the message names both', async () => {
    const script = createScript();
    const decided = flowOf(1, 'old', script);
    const bench = createBench({ workflows: [decided], actions: script.actions });
    const engine = await bench.open();
    const edited = flowOf(1, 'new', script);
    engine.setWorkflows([edited]);
    const request = aRequest({ workflow: 'test.flow', workflowDigest: decided.digest });
    await expect(engine.submit(request)).rejects.toMatchObject({
      code: 'LZ_WORKFLOW_CHANGED',
      message: expect.stringMatching(
        `${decided.digest.slice(0, 12)}.*${edited.digest.slice(0, 12)}`,
      ) as string,
    });
    await bench.clock.advance(1_000);
    expect(script.bodies).toEqual([]);
    expect(await engine.get('run-1')).toBeUndefined();
  });

  it('picks its definition although a newer version of the same name is known', async () => {
    const script = createScript();
    const [decided, newer] = [flowOf(1, 'old', script), flowOf(2, 'new', script)];
    const bench = createBench({ workflows: [decided, newer], actions: script.actions });
    const engine = await bench.open();
    await engine.submit(aRequest({ workflow: 'test.flow', workflowDigest: decided.digest }));
    await engine.submit(aRequest({ workflow: 'test.flow', runId: 'run-2' }));
    expect((await bench.finish(engine)).definition_digest).toBe(decided.digest);
    expect((await bench.finish(engine, 'run-2')).definition_digest).toBe(newer.digest);
  });
});

describe('a closed engine', () => {
  it('leaves no sleep behind, and its runs go on in the next one', async () => {
    const bench = createBench();
    const first = await bench.open();
    await first.submit(aRequest());
    await bench.clock.advance(1_000);
    await first.close();
    expect(bench.clock.pending).toBe(0);
    await expect(first.submit(aRequest({ runId: 'run-2' }))).rejects.toMatchObject({
      code: 'LZ_JOURNAL_UNAVAILABLE',
    });
    const second = await bench.open();
    expect((await bench.finish(second)).status).toBe('succeeded');
  });
});
