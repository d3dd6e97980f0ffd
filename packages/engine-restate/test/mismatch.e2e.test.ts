import { createServer } from 'node:http2';
import type { ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createFakePager } from '@lazarus/testing';
import * as sdk from '@restatedev/restate-sdk';
import type { WorkflowContext } from '@restatedev/restate-sdk';
import { describe, expect, it, onTestFinished } from 'vitest';
import { whyNoRestate, withRestate } from '../../../tools/restate-server.ts';
import { startBalancer } from '../../../tools/tcp-balancer.ts';
import { RUN_SERVICE } from '../src/endpoint/run-service.ts';
import {
  clock,
  createDesk,
  finish,
  openEngine,
  ownServer,
  storeOf,
  submitWaiting,
  until,
  WAITING,
} from './support/desk.ts';
import { freePort } from './support/free-port.ts';

const LIMIT_MS = 60_000;

/** A process of the same version whose code makes other calls. */
async function serveOtherCode(): Promise<string> {
  const run = async (context: WorkflowContext): Promise<void> => {
    await context.run('another call', async () => null);
  };
  const services = [sdk.workflow({ name: RUN_SERVICE, handlers: { run } })];
  const server = createServer(sdk.createEndpointHandler({ services, logger: () => undefined }));
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.skipIf(whyNoRestate() !== undefined)(
  withRestate('a process whose code differs under the same version'),
  () => {
    it(
      'is refused by the server; a human is told once, and the run ends where the right code is back',
      async () => {
        const server = await ownServer();
        const balancer = await startBalancer();
        onTestFinished(() => balancer.stop());
        const port = await freePort();
        const [ours, other] = [`http://127.0.0.1:${port}`, await serveOtherCode()];
        balancer.add(ours);
        const desk = createDesk();
        const pager = createFakePager({ clock });
        pager.open('INC-1');
        const engine = await openEngine(
          server,
          { actions: desk.actions, workflows: [desk.workflow(WAITING)], ports: { pager } },
          { listen: { port }, serviceUrl: balancer.url, times: { watchMs: 200, answerMs: 1_000 } },
        );
        const { runId } = await submitWaiting(engine);
        balancer.add(other);
        balancer.remove(ours);
        await until(() => pager.notesOf('INC-1').length > 0);
        expect(await storeOf(server).troubled()).toMatchObject([{ runId, errorCode: 'RT0016' }]);
        balancer.add(ours);
        balancer.remove(other);
        expect(await finish(engine, runId)).toMatchObject({
          status: 'canceled',
          page: 'escalated',
          error: {
            message: expect.stringContaining('Restate could not go on with it (backing-off)') as string,
          },
        });
        // What was asked for while nobody could answer arrives now.
        await clock.sleep(1_000);
        expect(pager.notesOf('INC-1')).toEqual([
          expect.stringMatching(/cannot go on with it \(backing-off\): /),
        ]);
      },
      LIMIT_MS,
    );
  },
);
