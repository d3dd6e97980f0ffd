import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createFakePager } from '@lazarus/testing';
import { expect, it, onTestFinished } from 'vitest';
import { aRequest, clock, createDesk, openEngine, until, WAITING } from './support/desk.ts';

/** What a server says that takes a run, and has called nobody yet. */
function answerTo(url: string): readonly [status: number, body: unknown] {
  if (url === '/version') return [200, { version: '1.7.12' }];
  if (url === '/restate/health') return [200, {}];
  if (url === '/deployments') return [201, {}];
  if (url === '/query') return [200, { rows: [] }];
  if (url.endsWith('/run/send')) return [202, { status: 'Accepted', invocationId: 'inv_1' }];
  if (url.endsWith('/output')) return [470, { message: 'not ready' }];
  return [404, { message: url }];
}

async function acceptingServer() {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const [status, body] = answerTo(request.url ?? '');
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const die = (): void => {
    server.close();
    server.closeAllConnections();
  };
  onTestFinished(die);
  return { ingressUrl: url, adminUrl: url, die };
}

it('S10: a human is told of a run that every server took with it before any process was called', async () => {
  const server = await acceptingServer();
  const pager = createFakePager({ clock });
  pager.open('INC-1');
  const desk = createDesk();
  const engine = await openEngine(
    server,
    { actions: desk.actions, workflows: [desk.workflow(WAITING)], ports: { pager } },
    { times: { watchMs: 100, strandedMs: 500, answerMs: 2_000 } },
  );
  expect(await engine.submit(aRequest('test.wait'))).toBe('created');
  server.die();
  await until(() => pager.notesOf('INC-1').length > 0, 20_000);
  await clock.sleep(500);
  expect(pager.notesOf('INC-1')).toEqual([expect.stringContaining('no Restate server answers')]);
}, 40_000);
