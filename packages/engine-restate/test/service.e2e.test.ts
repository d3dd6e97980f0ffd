import type { RunView } from '@lazarus/core/ports';
import { createFakePager } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { whyNoRestate, withRestate } from '../../../tools/restate-server.ts';
import { RUN_SERVICE } from '../src/endpoint/run-service.ts';
import {
  aRequest,
  clock,
  createDesk,
  finish,
  openEngine,
  ownServer,
  serversOf,
  sharedServer,
  submitWaiting,
  until,
  WAITING,
} from './support/desk.ts';

const LIMIT_MS = 40_000;

describe.skipIf(whyNoRestate() !== undefined)(withRestate('an engine on Restate'), () => {
  const server = sharedServer();

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
      const driver = await openEngine(server(), { actions: desk.actions, workflows: [workflow] });
      const request = aRequest('test.view', { service: 'shown' });
      await driver.submit(request);
      await until(() => desk.calls.includes('b'));
      const onlooker = await openEngine(server(), { actions: desk.actions, workflows: [workflow] });
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
      await expect(openEngine(server(), { actions: desk.actions, workflows: [long] })).rejects.toThrow(
        /one call of a 61000 ms; the longest is 60000 ms/,
      );
      await expect(
        openEngine(
          server(),
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
    'is registered with timeouts far above the longest call, and with runs that are kept for 90 days',
    async () => {
      const desk = createDesk();
      await openEngine(server(), { actions: desk.actions, workflows: [desk.workflow(WAITING)] });
      const { body } = await serversOf(server()).ask({ to: 'admin', path: `/services/${RUN_SERVICE}` });
      expect(body).toMatchObject({
        inactivity_timeout: '1h',
        abort_timeout: '1h',
        journal_retention: '7d',
        workflow_completion_retention: '90d',
      });
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
          server(),
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
      const server = await ownServer();
      const pager = createFakePager({ clock });
      pager.open('INC-1');
      await pager.acknowledge({ incidentKey: 'INC-1' });
      const desk = createDesk();
      const engine = await openEngine(
        server,
        { actions: desk.actions, workflows: [desk.workflow(WAITING)], ports: { pager } },
        { times: { watchMs: 100, answerMs: 3_000, strandedMs: 800 } },
      );
      const request = await submitWaiting(engine);
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
    },
    LIMIT_MS,
  );

  it('is said at the start, in one message with the address', async () => {
    const desk = createDesk();
    const nowhere = { ingressUrl: 'http://127.0.0.1:2', adminUrl: 'http://127.0.0.1:2' };
    await expect(
      openEngine(nowhere, { actions: desk.actions, workflows: [desk.workflow(WAITING)] }),
    ).rejects.toThrow(/http:\/\/127\.0\.0\.1:2\/version did not answer/);
  });
});
