import { createSystemClock } from '@lazarus/core';
import type { RunRequest, RunView } from '@lazarus/core/ports';
import { aRequest } from './request.ts';
import { createSeededRandom, createSequentialIds, silentLogger } from '@lazarus/testing';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { z } from 'zod';
import { startRestate } from '../../../../tools/restate-server.ts';
import type { RestateNode, RestateServer } from '../../../../tools/restate-server.ts';
import { RUN_SERVICE } from '../../src/endpoint/run-service.ts';
import { createRestateEngine } from '../../src/index.ts';
import type { RestateEngine, RestateEngineOptions, RestateEnginePorts } from '../../src/index.ts';
import { RestateServers } from '../../src/server/restate-servers.ts';
import { RunStore } from '../../src/server/run-store.ts';

export { aRequest } from './request.ts';
export { createDesk, type Doing } from './desk-actions.ts';
export { transient } from './transient.ts';

export const clock = createSystemClock();
const ids = createSequentialIds();

/** An engine on a server, closed after the test. */
export async function openEngine(
  server: Pick<RestateServer, 'ingressUrl' | 'adminUrl'>,
  ports: Pick<RestateEnginePorts, 'actions' | 'workflows'> & Partial<RestateEnginePorts>,
  options: Partial<z.input<typeof RestateEngineOptions>> = {},
): Promise<RestateEngine> {
  const engine = await createRestateEngine(
    {
      servers: [{ ingressUrl: server.ingressUrl, adminUrl: server.adminUrl }],
      listen: { port: 0 },
      times: { watchMs: 200 },
      ...options,
    },
    { ports: {}, clock, ids, random: createSeededRandom(1), log: silentLogger, ...ports },
  );
  onTestFinished(() => engine.close());
  return engine;
}

/** A server for all tests of a `describe`; ask for it within a test. */
export function sharedServer(): () => RestateServer {
  let server: RestateServer | undefined;
  beforeAll(async () => {
    server = await startRestate();
  });
  afterAll(() => server?.stop());
  return () => {
    if (server === undefined) throw new Error('ask for the server within a test');
    return server;
  };
}

/** A server for one test. */
export async function ownServer(options: Parameters<typeof startRestate>[0] = {}): Promise<RestateServer> {
  const server = await startRestate(options);
  onTestFinished(() => server.stop());
  return server;
}

type Addresses = Pick<RestateNode, 'ingressUrl' | 'adminUrl'>;

export const serversOf = ({ ingressUrl, adminUrl }: Addresses): RestateServers =>
  new RestateServers([{ ingressUrl, adminUrl }], clock, 5_000);

/** The runs of a server, as somebody sees and changes them who has this key. */
export const storeOf = (server: Addresses, key?: string): RunStore =>
  new RunStore(serversOf(server), RUN_SERVICE, key);

/** What an operator does to a run at the server. */
export async function operate(
  server: Addresses,
  runId: string,
  deed: 'cancel' | 'kill' | 'pause' | 'purge',
): Promise<void> {
  const servers = serversOf(server);
  const [row] = await servers.query(
    `SELECT id FROM sys_invocation WHERE target_service_key = '${runId}' AND target_handler_name = 'run'`,
  );
  const path = `/invocations/${String(row?.['id'])}/${deed}`;
  const { status } = await servers.ask({ to: 'admin', path, method: 'PATCH' });
  if (status >= 300) throw new Error(`${deed} was answered with ${status}`);
}

/** The only step of a run waits for ten hours. */
export const WAITING = 'metadata: { name: test.wait, version: 1 }\nsteps: { rest: { wait: 10h } }\n' as const;

/** Submits a run of {@link WAITING}; resolves when it waits. */
export async function submitWaiting(
  engine: RestateEngine,
  overrides: Partial<RunRequest> = {},
): Promise<RunRequest> {
  const request = aRequest('test.wait', overrides);
  await engine.submit(request);
  await until(async () => (await engine.get(request.runId))?.steps[0]?.status === 'running');
  return request;
}

/** Waits until the run has ended. */
export async function finish(engine: RestateEngine, runId: string): Promise<RunView> {
  let run: RunView | undefined;
  await until(async () => {
    run = engine.activeRuns.includes(runId) ? undefined : await engine.get(runId);
    return run !== undefined && run.status !== 'running';
  });
  if (run === undefined) throw new Error('the run is gone');
  return run;
}

export async function until(condition: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  const endMs = clock.monotonic() + limitMs;
  while (!(await condition())) {
    if (clock.monotonic() > endMs) throw new Error(`not so within ${limitMs} ms`);
    await clock.sleep(20);
  }
}
