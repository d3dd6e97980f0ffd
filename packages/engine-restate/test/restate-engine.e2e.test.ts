import { createMemoryLocks } from '@lazarus/core/memory';
import type { RunView } from '@lazarus/core/ports';
import { createFakePager } from '@lazarus/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { RestateServer } from '../../../tools/restate-server.ts';
import { startRestate, whyNoRestate, withRestate } from '../../../tools/restate-server.ts';
import { createRestateEngine } from '../src/index.ts';
import { RUN_SERVICE } from '../src/endpoint/run-service.ts';
import { pinRun } from '../src/run/pinned-run.ts';
import { RestateServers } from '../src/server/restate-servers.ts';
import { RunStore } from '../src/server/run-store.ts';
import { aRequest, clock, createDesk, finish, openEngine, transient, until } from './support/desk.ts';

const LIMIT_MS = 40_000;

describe.skipIf(whyNoRestate() !== undefined)(withRestate('an engine on Restate'), () => {
  let server: RestateServer;
  beforeAll(async () => {
    server = await startRestate();
  });
  afterAll(() => server.stop());

  const storeOf = (): RunStore => {
    const { ingressUrl, adminUrl } = server;
    return new RunStore(new RestateServers([{ ingressUrl, adminUrl }], clock, 5_000), RUN_SERVICE);
  };

  it(
    'lets the timer of one branch fire while a body of the other is in flight, and runs the body once',
    async () => {
      const desk = createDesk(async ({ step }) => {
        if (step === 'long') await clock.sleep(1_200);
      });
      const workflow = desk.workflow(
        'metadata: { name: test.timers, version: 1 }\nsteps:\n  long: { uses: desk.act@1 }\n  pause: { wait: 300ms }\n  next: { uses: desk.act@1, needs: [pause] }\n',
      );
      const engine = await openEngine(server, { actions: desk.actions, workflows: [workflow] });
      const request = aRequest('test.timers');
      await engine.submit(request);
      await until(() => desk.calls.includes('next'));
      expect((await engine.get(request.runId))?.steps.find(({ step }) => step === 'long')?.status).toBe(
        'running',
      );
      expect((await finish(engine, request.runId)).status).toBe('succeeded');
      expect([...desk.calls].sort()).toEqual(['long', 'next']);
    },
    LIMIT_MS,
  );

  it(
    'retries a transient error with back-off, and journals it as code, message, class and retryable',
    async () => {
      const desk = createDesk(async ({ attempt }) => {
        if (attempt < 3) throw transient();
      });
      const workflow = desk.workflow(
        'metadata: { name: test.retry, version: 1 }\nsteps: { a: { uses: desk.act@1, retry: { max_attempts: 3, backoff: { initial: 50ms, max: 100ms } } } }\n',
      );
      const engine = await openEngine(server, { actions: desk.actions, workflows: [workflow] });
      const request = aRequest('test.retry');
      await engine.submit(request);
      expect((await finish(engine, request.runId)).steps[0]).toMatchObject({
        status: 'succeeded',
        attempts: 3,
      });
      const recorded = await storeOf().load(request.runId);
      const errors = recorded?.entries.flatMap((entry) =>
        entry.kind === 'completion' && JSON.stringify(entry.value).includes('not now') ? [entry.value] : [],
      );
      expect(errors).toMatchObject([
        {
          settled: {
            ok: false,
            error: { code: 'LZ_ACTUATOR_TRANSIENT', message: 'not now', class: 'transient', retryable: true },
          },
        },
        {},
      ]);
      expect(JSON.stringify(errors)).not.toContain('stack');
    },
    LIMIT_MS,
  );

  it(
    'gives two signals of one name to two steps, in the order in which they came',
    async () => {
      const desk = createDesk();
      const workflow = desk.workflow(
        'metadata: { name: test.signals, version: 1 }\nsteps:\n  one: { signal: approve, timeout: 30s }\n  two: { signal: approve, timeout: 30s, needs: [one] }\n',
      );
      const engine = await openEngine(server, { actions: desk.actions, workflows: [workflow] });
      const request = aRequest('test.signals');
      await engine.submit(request);
      await engine.signal(request.runId, 'approve', 'first');
      await engine.signal(request.runId, 'approve', 'second');
      const run = await finish(engine, request.runId);
      expect(run.steps.map(({ output }) => output)).toEqual(['first', 'second']);
    },
    LIMIT_MS,
  );

  it(
    'escalates a run that somebody cancels at the server',
    async () => {
      const desk = createDesk();
      const workflow = desk.workflow(
        'metadata: { name: test.wait, version: 1 }\nsteps: { rest: { wait: 10h } }\n',
      );
      const engine = await openEngine(server, { actions: desk.actions, workflows: [workflow] });
      const request = aRequest('test.wait');
      await engine.submit(request);
      await until(async () => (await engine.get(request.runId))?.steps[0]?.status === 'running');
      const { ingressUrl, adminUrl } = server;
      const servers = new RestateServers([{ ingressUrl, adminUrl }], clock, 5_000);
      const [row] = await servers.query(
        `SELECT id FROM sys_invocation WHERE target_service_key = '${request.runId}' AND target_handler_name = 'run'`,
      );
      await fetch(`${adminUrl}/invocations/${String(row?.['id'])}/cancel`, { method: 'PATCH' });
      expect(await finish(engine, request.runId)).toMatchObject({
        status: 'canceled',
        page: 'escalated',
        error: { message: 'it was canceled in Restate' },
      });
    },
    LIMIT_MS,
  );

  it(
    'stops at a safe point that the guard refuses: a person took over, a pause, a spent budget',
    async () => {
      const desk = createDesk();
      const workflow = desk.workflow(
        'metadata: { name: test.guard, version: 1 }\nsteps:\n  a: { uses: desk.act@1 }\n  b: { uses: desk.destroy@1, needs: [a] }\n',
      );
      const points: (boolean | undefined)[] = [];
      const settled: unknown[] = [];
      const engine = await openEngine(server, {
        actions: desk.actions,
        workflows: [workflow],
        guard: async (_request, point) => {
          points.push(point.firstDestructive);
          return point.firstDestructive ? { verdict: 'fail', reason: 'paused' } : { verdict: 'pass' };
        },
        budgets: {
          settle: async (runId: string, outcome: { readonly effects: boolean }) => {
            settled.push([runId, outcome.effects]);
          },
        } as never,
      });
      const request = aRequest('test.guard');
      await engine.submit(request);
      expect(await finish(engine, request.runId)).toMatchObject({
        status: 'canceled',
        page: 'escalated',
        error: { step: 'b', code: 'LZ_WORKFLOW_REVALIDATION', message: 'paused' },
      });
      expect({ calls: desk.calls, points, settled }).toEqual({
        calls: ['a'],
        points: [false, true],
        settled: [[request.runId, false]],
      });
    },
    LIMIT_MS,
  );

  it(
    'holds the lock of the run from its first effect to its durable end, and stops when it is lost',
    async () => {
      const locks = createMemoryLocks({ clock });
      const target = { kind: 'service', service: 'web' } as const;
      const desk = createDesk(async ({ step, signal, fence }) => {
        if (step !== 'b') return;
        expect(fence?.counter).toBeGreaterThan(0);
        await locks.breakLock(target);
        await clock.sleep(5_000, { signal });
      });
      const text = (steps: string): string => `metadata: { name: test.lock, version: 1 }\nsteps: ${steps}\n`;
      const once = desk.workflow(text('{ a: { uses: desk.act@1 } }').replace('test.lock', 'test.once'));
      const losing = desk.workflow(text('{ a: { uses: desk.act@1 }, b: { uses: desk.act@1, needs: [a] } }'));
      const engine = await openEngine(
        server,
        {
          actions: desk.actions,
          workflows: [once, losing],
          locks,
        },
        { times: { watchMs: 200, lockTtlMs: 600, lockWaitMs: 100 } },
      );
      const first = aRequest('test.once');
      await engine.submit(first);
      expect((await finish(engine, first.runId)).status).toBe('succeeded');
      await until(async () => (await locks.inspect(target)) === undefined);
      const second = aRequest('test.lock');
      await engine.submit(second);
      expect(await finish(engine, second.runId)).toMatchObject({
        status: 'canceled',
        page: 'escalated',
        error: { step: 'b', code: 'LZ_LOCK_LOST' },
      });
    },
    LIMIT_MS,
  );

  it(
    'shows a run that another process drives, lists runs, and tells only the driver that one ended',
    async () => {
      let release: () => void = () => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      const desk = createDesk(async ({ step }) => {
        if (step === 'b') await held;
      });
      const workflow = desk.workflow(
        'metadata: { name: test.view, version: 1 }\nsteps:\n  a: { uses: desk.act@1 }\n  b: { uses: desk.act@1, needs: [a], timeout: 30s }\n',
      );
      const driver = await openEngine(server, { actions: desk.actions, workflows: [workflow] });
      const request = aRequest('test.view', { service: 'shown' });
      await driver.submit(request);
      await until(() => desk.calls.includes('b'));
      const onlooker = await openEngine(server, { actions: desk.actions, workflows: [workflow] });
      const ended: RunView[] = [];
      driver.onFinished((run) => ended.push(run));
      onlooker.onFinished((run) => ended.push(run));
      expect((await onlooker.get(request.runId))?.steps.map(({ status }) => status)).toEqual([
        'succeeded',
        'running',
      ]);
      expect(await onlooker.listRuns({ status: 'running', service: 'shown' })).toMatchObject([
        { runId: request.runId, workflow: 'test.view', status: 'running' },
      ]);
      release();
      expect((await finish(driver, request.runId)).status).toBe('succeeded');
      await until(() => ended.length > 0);
      expect(ended.map(({ run_id, status }) => [run_id, status])).toEqual([[request.runId, 'succeeded']]);
      expect(await onlooker.listRuns({ service: 'shown' })).toMatchObject([
        { runId: request.runId, status: 'succeeded' },
      ]);
      expect(await onlooker.get('nobody')).toBeUndefined();
    },
    LIMIT_MS,
  );

  it(
    'refuses a call that is longer than 60 s, and an address at which Restate does not reach the process',
    async () => {
      const desk = createDesk();
      const [workflow] = [
        desk.workflow('metadata: { name: test.long, version: 1 }\nsteps: { a: { uses: desk.act@1 } }\n'),
      ];
      const long = {
        ...workflow,
        steps: workflow.steps.map((step) => ({ ...step, attemptTimeoutMs: 61_000 })),
      };
      await expect(openEngine(server, { actions: desk.actions, workflows: [long] })).rejects.toThrow(
        /one call of a 61000 ms; the longest is 60000 ms/,
      );
      await expect(
        openEngine(
          server,
          { actions: desk.actions, workflows: [workflow] },
          { serviceUrl: 'http://127.0.0.1:2', times: { watchMs: 200, registerMs: 500 } },
        ),
      ).rejects.toThrow(
        /Restate cannot use http:\/\/127\.0\.0\.1:2\/lazarus-run\/1: .*serviceUrl must be an address/,
      );
    },
    LIMIT_MS,
  );

  it(
    'refuses requests that are not signed when it has a key',
    async () => {
      const desk = createDesk();
      const workflow = desk.workflow(
        'metadata: { name: test.key, version: 1 }\nsteps: { a: { uses: desk.act@1 } }\n',
      );
      await expect(
        openEngine(
          server,
          { actions: desk.actions, workflows: [workflow] },
          {
            identityKeys: ['publickeyv1_w7YHemBctH5Ck2nQRQ47iBBqhNHy4FV7t2Usbye2A6f'],
            times: { watchMs: 200, registerMs: 500 },
          },
        ),
      ).rejects.toThrow(/401/);
    },
    LIMIT_MS,
  );
});

describe.skipIf(whyNoRestate() !== undefined)(withRestate('a Restate server that goes away'), () => {
  it(
    'stops new runs, has the people behind runs in flight told once, and the runs stopped when it is back',
    async () => {
      const server = await startRestate();
      try {
        const pager = createFakePager({ clock });
        pager.open('INC-1');
        await pager.acknowledge({ incidentKey: 'INC-1' });
        const desk = createDesk();
        const workflow = desk.workflow(
          'metadata: { name: test.wait, version: 1 }\nsteps: { rest: { wait: 10h } }\n',
        );
        const engine = await openEngine(
          server,
          { actions: desk.actions, workflows: [workflow], ports: { pager } },
          { times: { watchMs: 100, answerMs: 3_000, strandedMs: 800 } },
        );
        const request = aRequest('test.wait');
        await engine.submit(request);
        await until(async () => (await engine.get(request.runId))?.steps[0]?.status === 'running');
        await server.kill();
        await until(() => !engine.health().ok);
        await expect(engine.submit(aRequest('test.wait'))).rejects.toMatchObject({
          code: 'LZ_JOURNAL_UNAVAILABLE',
          retryable: true,
        });
        await until(() => pager.notesOf('INC-1').length > 0);
        const told = pager.notesOf('INC-1');
        expect(told).toEqual([expect.stringMatching(/cannot go on: no Restate server answers/)]);
        await server.start();
        await until(() => engine.health().ok);
        expect(await finish(engine, request.runId)).toMatchObject({ status: 'canceled', page: 'escalated' });
        expect(pager.notesOf('INC-1')).toEqual(told);
      } finally {
        await server.stop();
      }
    },
    LIMIT_MS,
  );

  it('is said at the start, in one message with the address', async () => {
    const desk = createDesk();
    const workflow = desk.workflow(
      'metadata: { name: test.away, version: 1 }\nsteps: { a: { uses: desk.act@1 } }\n',
    );
    await expect(
      createRestateEngine(
        {
          servers: [{ ingressUrl: 'http://127.0.0.1:2', adminUrl: 'http://127.0.0.1:2' }],
          listen: { port: 0 },
        },
        {
          actions: desk.actions,
          workflows: [workflow],
          ports: {},
          clock,
          ids: { next: () => 'id' },
          random: { next: () => 0 },
          log: {
            debug: () => undefined,
            info: () => undefined,
            warn: () => undefined,
            error: () => undefined,
          },
        },
      ),
    ).rejects.toThrow(/http:\/\/127\.0\.0\.1:2\/version did not answer/);
  });
});

describe.skipIf(whyNoRestate() !== undefined)(withRestate('what an operator does to a run'), () => {
  for (const [deed, status, message] of [
    ['kill', 'failed', 'Restate has ended it: 409 killed'],
    ['pause', 'canceled', 'Restate could not go on with it (paused), and a person was told'],
  ] as const) {
    it(
      `is told to a human, and the run ends as ${status}: ${deed}`,
      async () => {
        const server = await startRestate();
        onTestFinished(() => server.stop());
        const desk = createDesk();
        const workflow = desk.workflow(
          'metadata: { name: test.wait, version: 1 }\nsteps: { rest: { wait: 10h } }\n',
        );
        const pager = createFakePager({ clock });
        const engine = await openEngine(server, {
          actions: desk.actions,
          workflows: [workflow],
          ports: { pager },
        });
        const ends: RunView[] = [];
        engine.onFinished((run) => ends.push(run));
        const request = aRequest('test.wait', { incidentKey: `INC-${deed}` });
        pager.open(`INC-${deed}`);
        await engine.submit(request);
        await until(async () => (await engine.get(request.runId))?.steps[0]?.status === 'running');
        const { ingressUrl, adminUrl } = server;
        const servers = new RestateServers([{ ingressUrl, adminUrl }], clock, 5_000);
        const [row] = await servers.query(
          `SELECT id FROM sys_invocation WHERE target_service_key = '${request.runId}' AND target_handler_name = 'run'`,
        );
        await fetch(`${adminUrl}/invocations/${String(row?.['id'])}/${deed}`, { method: 'PATCH' });
        await until(() => ends.length > 0);
        expect(ends).toMatchObject([
          { run_id: request.runId, status, page: 'escalated', error: { message } },
        ]);
        expect(pager.notesOf(`INC-${deed}`)).toHaveLength(1);
        expect(await engine.get(request.runId)).toMatchObject({ status });
      },
      LIMIT_MS,
    );
  }
});

describe.skipIf(whyNoRestate() !== undefined)(withRestate('a run that nobody of ours submitted'), () => {
  it(
    'is refused without a call of its steps, and not tried again, while our own runs are driven',
    async () => {
      const server = await startRestate();
      onTestFinished(() => server.stop());
      const desk = createDesk();
      const workflow = desk.workflow(
        'metadata: { name: test.one, version: 1 }\nsteps: { a: { uses: desk.act@1 } }\n',
      );
      const engine = await openEngine(
        server,
        { actions: desk.actions, workflows: [workflow] },
        { submissionKey: 'a key that every process of ours has' },
      );
      const forged = pinRun(aRequest('test.one'), workflow, {}, desk.actions, clock.now());
      const { ingressUrl, adminUrl } = server;
      const servers = new RestateServers([{ ingressUrl, adminUrl }], clock, 5_000);
      const stranger = new RunStore(servers, RUN_SERVICE, 'a key that none of our processes has');
      await stranger.submit(forged);
      await until(async () => (await stranger.state(forged.request.runId)) !== 'running');
      expect(await stranger.state(forged.request.runId)).toMatchObject({
        killed: expect.stringContaining('403') as string,
      });
      expect(desk.calls).toEqual([]);
      const own = aRequest('test.one');
      await engine.submit(own);
      expect(await finish(engine, own.runId)).toMatchObject({ status: 'succeeded' });
    },
    LIMIT_MS,
  );
});
