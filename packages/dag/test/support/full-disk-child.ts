// Runs on a disk of its own that it fills up and empties again; prints what happened as JSON.
// Arguments: folder, `full` or `read-only`.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createSystemClock } from '@lazarus/core';
import type { Pager, PageResult } from '@lazarus/core/ports';
import { z } from 'zod';
import {
  builtinActions,
  createActionRegistry,
  createEmbeddedEngine,
  defineAction,
  loadWorkflow,
} from '../../src/index.ts';

const [folder = '', mode = 'full'] = process.argv.slice(2);
const bodies: string[] = [];
const alarms: string[] = [];
const errors: string[] = [];
let escalations = 0;

const page: PageResult = {
  done: true,
  changed: true,
  page: {
    incidentKey: 'INC-1',
    pageId: 'P',
    status: 'triggered',
    escalationLevel: 2,
    takenByHuman: false,
  },
};
const pager: Pager = {
  find: async () => undefined,
  acknowledge: async () => page,
  resolve: async () => page,
  escalate: async () => ((escalations += 1), { ...page, changed: escalations === 1 }),
};
const actions = createActionRegistry([
  ...builtinActions,
  defineAction({
    name: 'test.slow',
    version: 1,
    summary: 'Takes 300 ms.',
    input: z.strictObject({}),
    output: z.unknown(),
    idempotent: true,
    run: async (_input, { step, run }) => {
      bodies.push(`${run.runId} ${step}`);
      await setTimeout(300);
      return null;
    },
  }),
]);
const workflow = loadWorkflow(
  `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: test.slow, version: 1 }
steps:
  a: { uses: test.slow@1 }
  b: { uses: test.slow@1, needs: [a] }
`,
  { file: 'slow.yaml', actions },
);

const code = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => String((error as { readonly code?: unknown }).code),
  );
const open = () =>
  createEmbeddedEngine({
    file: join(folder, 'runs.db'),
    actions,
    workflows: [workflow],
    ports: {
      pager,
      notifier: { send: async ({ kind, group }) => void alarms.push(`${kind} ${group}`) },
    },
    clock: createSystemClock(),
    ids: { next: () => `engine-${process.pid}` },
    random: { next: () => 0.5 },
    log: {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (message) => errors.push(message),
    },
    times: { sweepMs: 100 },
  });
const request = (runId: string) => ({
  runId,
  workflow: 'test.slow',
  inputs: {},
  event: {
    id: runId,
    event_type: 'HostDown',
    source: 'test',
    time: '2026-01-01T00:00:00Z',
    region: 'r',
    environment: 'test',
    service: 'web',
    attributes: {},
  },
  rule: 'r',
  configDigest: 'd',
  service: 'web',
  incidentKey: 'INC-1',
  notificationGroup: 'web-team',
  lock: { kind: 'service' as const, service: 'web' },
  timeoutMs: 1_800_000,
});

async function until(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await condition()) return true;
    await setTimeout(50);
  }
  return false;
}

function fillUp(): void {
  const file = openSync(join(folder, 'filler'), 'w');
  try {
    for (;;) writeSync(file, Buffer.alloc(4_096));
  } catch (error) {
    bodies.push(String((error as NodeJS.ErrnoException).code));
  } finally {
    closeSync(file);
  }
}

async function onFullDisk(): Promise<unknown> {
  const engine = await open();
  await engine.submit(request('run-1'));
  fillUp();
  const isTold = await until(() => escalations > 0);
  const health = engine.health();
  const refused = await code(engine.submit(request('run-2')));
  const seen = [...bodies];
  rmSync(join(folder, 'filler'));
  const isHealthy = await until(() => engine.health().ok);
  await until(async () => (await engine.get('run-1'))?.status !== 'running');
  const first = await engine.get('run-1');
  await engine.submit(request('run-3'));
  await until(async () => (await engine.get('run-3'))?.status === 'succeeded');
  const third = (await engine.get('run-3'))?.status;
  await engine.close();
  return {
    isTold,
    health,
    refused,
    seen,
    isHealthy,
    first: first?.status,
    page: first?.page,
    third,
    alarms,
    errors,
  };
}

const result = mode === 'full' ? await onFullDisk() : { refused: await code(open()) };
process.stdout.write(JSON.stringify(result));
process.exit();
