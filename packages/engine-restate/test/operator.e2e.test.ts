import type { RunView } from '@lazarus/core/ports';
import { createFakePager } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { whyNoRestate, withRestate } from '../../../tools/restate-server.ts';
import type { RestateEngine } from '../src/index.ts';
import {
  clock,
  createDesk,
  finish,
  openEngine,
  operate,
  ownServer,
  storeOf,
  submitWaiting,
  until,
  WAITING,
} from './support/desk.ts';

const LIMIT_MS = 40_000;
const INCIDENT = 'INC-1';

/** A desk with a page, and engines that report to the same people. */
function createOffice() {
  const desk = createDesk();
  const pager = createFakePager({ clock });
  pager.open(INCIDENT);
  const ends: RunView[] = [];
  return {
    ends,
    notes: () => pager.notesOf(INCIDENT),
    open: async (...[server, options]: OpenOptions): Promise<RestateEngine> => {
      const workflows = [desk.workflow(WAITING)];
      const engine = await openEngine(
        server,
        { actions: desk.actions, workflows, ports: { pager } },
        options,
      );
      engine.onFinished((run) => ends.push(run));
      return engine;
    },
  };
}

type OpenOptions = [server: Parameters<typeof openEngine>[0], options?: Parameters<typeof openEngine>[2]];

describe.skipIf(whyNoRestate() !== undefined)(withRestate('what an operator does to a run'), () => {
  it(
    'is what cancel does, when it is canceled at the server',
    async () => {
      const server = await ownServer();
      const engine = await createOffice().open(server);
      const { runId } = await submitWaiting(engine);
      await operate(server, runId, 'cancel');
      expect(await finish(engine, runId)).toMatchObject({
        status: 'canceled',
        page: 'escalated',
        error: { message: 'it was canceled in Restate' },
      });
    },
    LIMIT_MS,
  );

  for (const [deeds, status, message] of [
    [['kill'], 'failed', /^Restate has ended it: .*409.* killed$/],
    [['pause'], 'canceled', /^Restate could not go on with it \(paused\), and a person was told$/],
    [['kill', 'purge'], 'failed', /^Restate no longer has it$/],
  ] as const)
    it(
      `is told to a human once, and the run ends as ${status}: ${deeds.join(', then ')}`,
      async () => {
        const server = await ownServer();
        const { open, ends, notes } = createOffice();
        // A run that is purged before anybody looks was never seen as killed.
        const engine = await open(server, { times: { watchMs: deeds.length > 1 ? 3_000 : 200 } });
        const { runId } = await submitWaiting(engine);
        for (const deed of deeds) {
          await operate(server, runId, deed);
          await until(async () => deed !== 'kill' || (await storeOf(server).state(runId)) !== 'running');
        }
        await until(() => ends.length > 0);
        expect(ends).toMatchObject([
          {
            run_id: runId,
            status,
            page: 'escalated',
            error: { message: expect.stringMatching(message) as string },
          },
        ]);
        expect(notes()).toHaveLength(1);
      },
      LIMIT_MS,
    );

  for (const processes of [1, 2, 3])
    it(
      `is told to a human exactly once when all processes were closed and ${processes} start`,
      async () => {
        const server = await ownServer();
        const { open, ends, notes } = createOffice();
        const first = await open(server);
        const { runId } = await submitWaiting(first);
        await first.close();
        await operate(server, runId, 'kill');
        await until(async () => (await storeOf(server).state(runId)) !== 'running');
        await Promise.all(Array.from({ length: processes }, () => open(server)));
        await until(() => ends.length > 0);
        // Several looks of each process.
        await clock.sleep(1_000);
        expect(notes()).toEqual([
          expect.stringMatching(/cannot go on: Restate has ended it: .*409.* killed/),
        ]);
        expect(ends).toMatchObject([{ run_id: runId, status: 'failed', page: 'escalated' }]);
        const late = await open(server);
        await clock.sleep(1_000);
        expect([notes().length, ends.length]).toEqual([1, 1]);
        expect(await late.get(runId)).toMatchObject({ status: 'failed' });
      },
      LIMIT_MS,
    );
});
