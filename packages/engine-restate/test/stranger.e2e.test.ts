import { createFakePager } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { whyNoRestate, withRestate } from '../../../tools/restate-server.ts';
import { RUN_SERVICE } from '../src/endpoint/run-service.ts';
import { pinRun, toWire } from '../src/run/pinned-run.ts';
import type { RunAlarmWire, RunSignal } from '../src/run/run-message.ts';
import { seal } from '../src/run/run-seal.ts';
import {
  aRequest,
  clock,
  createDesk,
  finish,
  openEngine,
  serversOf,
  sharedServer,
  storeOf,
  until,
} from './support/desk.ts';

const LIMIT_MS = 40_000;
const KEY = 'a key that every process of ours has';
const OTHER_KEY = 'a key that none of our processes has';
const APPROVALS =
  'metadata: { name: test.approve, version: 1 }\nsteps:\n  one: { signal: approve, timeout: 60s }\n  a: { uses: desk.act@1, needs: [one] }\n  two: { signal: approve, timeout: 60s, needs: [a] }\n  b: { uses: desk.destroy@1, needs: [two] }\n';
const ONE = 'metadata: { name: test.one, version: 1 }\nsteps: { a: { uses: desk.act@1 } }\n';

describe.skipIf(whyNoRestate() !== undefined)(withRestate('a stranger at the ingress (S18)'), () => {
  const server = sharedServer();
  let posts = 0;

  /** Sends what somebody sends who reaches the ingress. */
  const post = async (runId: string, handler: string, body: object): Promise<number> => {
    posts += 1;
    const { status } = await serversOf(server()).ask({
      to: 'ingress',
      path: `/${RUN_SERVICE}/${runId}/${handler}`,
      method: 'POST',
      headers: { 'idempotency-key': `post-${posts}` },
      body,
      elsewhere: () => false,
    });
    return status;
  };

  const open = async () => {
    const desk = createDesk();
    const pager = createFakePager({ clock });
    const one = desk.workflow(ONE);
    const ports = { actions: desk.actions, workflows: [desk.workflow(APPROVALS), one], ports: { pager } };
    const engine = await openEngine(server(), ports, { submissionKey: KEY });
    const submit = async (workflow: string) => {
      const request = aRequest(workflow);
      await engine.submit(request);
      return request;
    };
    const stepOf = async (runId: string, name: string): Promise<string | undefined> =>
      (await engine.get(runId))?.steps.find(({ step }) => step === name)?.status;
    return { desk, pager, engine, submit, stepOf, one };
  };

  it(
    'starts no step with a run of their own, while our runs are driven',
    async () => {
      const { desk, engine, submit, one } = await open();
      const forged = pinRun(aRequest('test.one'), one, {}, desk.actions, clock.now());
      const stranger = storeOf(server(), OTHER_KEY);
      await stranger.submit(forged);
      await until(async () => (await stranger.state(forged.request.runId)) !== 'running');
      expect(await stranger.state(forged.request.runId)).toMatchObject({
        killed: expect.stringContaining('403') as string,
      });
      expect(desk.calls).toEqual([]);
      expect(await engine.listRuns()).toEqual([]);
      const own = await submit('test.one');
      expect(await finish(engine, own.runId)).toMatchObject({ status: 'succeeded' });
    },
    LIMIT_MS,
  );

  it(
    'neither approves nor stops a run, and raises no alarm, while our signals arrive',
    async () => {
      const { desk, pager, engine, submit, stepOf } = await open();
      const { runId } = await submit('test.approve');
      await until(async () => (await stepOf(runId, 'one')) === 'running');
      const signal: RunSignal = { runId, id: 'signal-x', name: 'approve', payload: null };
      const run = toWire((await storeOf(server(), KEY).load(runId))?.run ?? expect.fail('no run'));
      const alarm: RunAlarmWire = { run: seal('run', run, KEY), what: 'over', reason: 'no' };
      const forged: [handler: string, body: object][] = [
        ['signal', signal],
        ['signal', seal('signal', signal, OTHER_KEY)],
        ['signal', seal('signal', { ...signal, runId: 'another run' }, KEY)],
        ['signal', { ...seal('signal', signal, KEY), name: '$cancel' }],
        ['signal', seal('run', signal, KEY)],
        ['alarm', alarm],
        ['alarm', seal<RunAlarmWire>('alarm', { ...alarm, run: seal('run', run, OTHER_KEY) }, KEY)],
      ];
      for (const [handler, body] of forged) expect(await post(runId, handler, body)).toBe(403);
      await expect(
        storeOf(server(), OTHER_KEY).signal(runId, { name: 'approve', payload: null, key: 'signal-y' }),
      ).rejects.toThrow('403');
      expect(await stepOf(runId, 'one')).toBe('running');
      expect([desk.calls, pager.notesOf('INC-1')]).toEqual([[], []]);
      await engine.signal(runId, 'approve', null);
      await until(() => desk.calls.includes('a'));
      await engine.cancel(runId, 'that is enough');
      expect(await finish(engine, runId)).toMatchObject({
        status: 'canceled',
        error: { message: 'that is enough' },
      });
    },
    LIMIT_MS,
  );

  it(
    'approves nothing with an approval that was overheard',
    async () => {
      const { desk, engine, submit, stepOf } = await open();
      const { runId } = await submit('test.approve');
      const overheard = seal<RunSignal>(
        'signal',
        { runId, id: 'signal-1', name: 'approve', payload: null },
        KEY,
      );
      expect(await post(runId, 'signal', overheard)).toBe(200);
      await until(async () => (await stepOf(runId, 'two')) === 'running');
      expect(await post(runId, 'signal', overheard)).toBe(200);
      await clock.sleep(300);
      expect([await stepOf(runId, 'two'), desk.calls]).toEqual(['running', ['a']]);
      await engine.signal(runId, 'approve', null);
      expect(await finish(engine, runId)).toMatchObject({ status: 'succeeded' });
      expect(desk.calls).toEqual(['a', 'b']);
    },
    LIMIT_MS,
  );

  it(
    'keeps nobody from being told, when they take the id of a run before it is submitted',
    async () => {
      const { desk, pager, engine, one } = await open();
      pager.open('INC-2');
      const request = aRequest('test.one', { incidentKey: 'INC-2' });
      await storeOf(server(), OTHER_KEY).submit(pinRun(request, one, {}, desk.actions, clock.now()));
      expect(await engine.submit(request)).toBe('exists');
      await until(() => pager.notesOf('INC-2').length > 0);
      expect(desk.calls).toEqual([]);
    },
    LIMIT_MS,
  );
});
