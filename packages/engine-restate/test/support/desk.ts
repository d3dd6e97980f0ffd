import { createSystemClock, PortError } from '@lazarus/core';
import type { RunRequest, RunView } from '@lazarus/core/ports';
import { createActionRegistry, defineAction, loadWorkflow } from '@lazarus/dag';
import type { ActionContext } from '@lazarus/dag';
import { createSeededRandom, createSequentialIds, silentLogger } from '@lazarus/testing';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { z } from 'zod';
import { startRestate } from '../../../../tools/restate-server.ts';
import type { RestateNode, RestateServer } from '../../../../tools/restate-server.ts';
import { RUN_SERVICE } from '../../src/endpoint/run-service.ts';
import { createRestateEngine } from '../../src/index.ts';
import type { RestateEngine, RestateEngineOptions, RestateEnginePorts } from '../../src/index.ts';
import { RestateServers } from '../../src/server/restate-servers.ts';
import { RunStore } from '../../src/server/run-store.ts';

export const clock = createSystemClock();
const ids = createSequentialIds();

/** What the actions of a test do; each test sets it. */
export type Doing = (context: ActionContext) => Promise<unknown>;

/** Actions `desk.act@1`, `desk.look@1` and `pager.escalate@1`, and what they were called with. */
export function createDesk(doing: Doing = async () => null) {
  const calls: string[] = [];
  const run = async (_input: unknown, context: ActionContext): Promise<unknown> => {
    calls.push(context.step);
    return (await doing(context)) ?? { done: true };
  };
  const shape = { version: 1, input: z.looseObject({}), output: z.unknown() };
  const actions = createActionRegistry([
    defineAction({ ...shape, name: 'desk.act', summary: 'Acts.', idempotent: true, run }),
    defineAction({
      ...shape,
      name: 'desk.destroy',
      summary: 'Destroys.',
      destructive: true,
      idempotent: true,
      run,
    }),
    defineAction({ ...shape, name: 'desk.look', summary: 'Looks.', readOnly: true, run }),
    defineAction({
      ...shape,
      name: 'pager.escalate',
      summary: 'Wakes a human.',
      idempotent: true,
      run: async () => ({ page: 'escalated' }),
    }),
  ]);
  return {
    calls,
    actions,
    workflow: (text: string) =>
      loadWorkflow(`apiVersion: lazarus.dev/v1\nkind: Workflow\n${text}`, { file: 'test.yaml', actions }),
  };
}

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

let runs = 0;

export function aRequest(workflow: string, overrides: Partial<RunRequest> = {}): RunRequest {
  runs += 1;
  return {
    runId: `desk-${runs}`,
    workflow,
    inputs: {},
    event: {
      id: 'e1',
      event_type: 'HostDown',
      source: 'test',
      time: '2026-01-01T00:00:00Z',
      region: 'r',
      environment: 'test',
      service: 'web',
      attributes: {},
    },
    rule: 'host_down',
    configDigest: 'digest',
    service: 'web',
    incidentKey: 'INC-1',
    lock: { kind: 'service', service: 'web' },
    timeoutMs: 60_000,
    ...overrides,
  };
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

export const transient = (): PortError =>
  new PortError({ code: 'LZ_ACTUATOR_TRANSIENT', message: 'not now', retryable: true });
