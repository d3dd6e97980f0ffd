import { createMemoryBudgets, createMemoryLocks } from '@lazarus/core/memory';
import { describe, expect, it } from 'vitest';
import { whyNoRestate, withRestate } from '../../../tools/restate-server.ts';
import {
  aRequest,
  clock,
  createDesk,
  finish,
  openEngine,
  sharedServer,
  storeOf,
  transient,
  until,
} from './support/desk.ts';

const LIMIT_MS = 40_000;

describe.skipIf(whyNoRestate() !== undefined)(withRestate('the steps of a run on Restate'), () => {
  const server = sharedServer();

  it(
    'lets the timer of one branch fire while a body of the other is in flight, and runs the body once',
    async () => {
      const desk = createDesk(async ({ step }) => {
        if (step === 'long') await clock.sleep(1_200);
      });
      const workflow = desk.workflow(
        'metadata: { name: test.timers, version: 1 }\nsteps:\n  long: { uses: desk.act@1 }\n  pause: { wait: 300ms }\n  next: { uses: desk.act@1, needs: [pause] }\n',
      );
      const engine = await openEngine(server(), { actions: desk.actions, workflows: [workflow] });
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
      const engine = await openEngine(server(), { actions: desk.actions, workflows: [workflow] });
      const request = aRequest('test.retry');
      await engine.submit(request);
      expect((await finish(engine, request.runId)).steps[0]).toMatchObject({
        status: 'succeeded',
        attempts: 3,
      });
      const recorded = await storeOf(server()).load(request.runId);
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
      const engine = await openEngine(server(), { actions: desk.actions, workflows: [workflow] });
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
    'stops at a safe point that the guard refuses, such as a pause',
    async () => {
      const desk = createDesk();
      const workflow = desk.workflow(
        'metadata: { name: test.guard, version: 1 }\nsteps:\n  a: { uses: desk.act@1 }\n  b: { uses: desk.destroy@1, needs: [a] }\n',
      );
      const points: (boolean | undefined)[] = [];
      const settled: unknown[] = [];
      const engine = await openEngine(server(), {
        actions: desk.actions,
        workflows: [workflow],
        guard: async (_request, point) => {
          points.push(point.firstDestructive);
          return point.firstDestructive ? { verdict: 'fail', reason: 'paused' } : { verdict: 'pass' };
        },
        budgets: {
          holds: async () => true,
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
    'stops before a destructive step when the run holds no reservation in the budget',
    async () => {
      const desk = createDesk();
      const workflow = desk.workflow(
        'metadata: { name: test.budget, version: 1 }\nsteps:\n  a: { uses: desk.act@1 }\n  b: { uses: desk.destroy@1, needs: [a] }\n',
      );
      const budgets = createMemoryBudgets({ clock, history: [] });
      const engine = await openEngine(server(), { actions: desk.actions, workflows: [workflow], budgets });
      const request = aRequest('test.budget');
      await engine.submit(request);
      expect(await finish(engine, request.runId)).toMatchObject({
        status: 'canceled',
        page: 'escalated',
        error: { step: 'b', code: 'LZ_WORKFLOW_REVALIDATION' },
      });
      expect(desk.calls).toEqual(['a']);
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
        server(),
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
});
