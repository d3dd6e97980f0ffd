// A process that submits one run and stands still once it was told that there is none, or one that takes up what it finds.
// Arguments: folder, `submit` or `resume`.
import { join } from 'node:path';
import { once } from 'node:events';
import { createSystemClock } from '@lazarus/core';
import type { RunRequest } from '@lazarus/core/ports';
import { silentLogger } from '@lazarus/testing';
import { z } from 'zod';
import { createActionRegistry, createEmbeddedEngine, defineAction, loadWorkflow } from '../../src/index.ts';

const [folder = '', mode = 'submit'] = process.argv.slice(2);
const seen: string[] = [];

const base = { version: 1, summary: 'Notes that it was called.', output: z.unknown(), idempotent: true };
const actions = createActionRegistry([
  defineAction({
    ...base,
    name: 'test.do',
    input: z.strictObject({}),
    run: async (_input, { step }) => (seen.push(step), {}),
  }),
  defineAction({
    ...base,
    name: 'pager.escalate',
    input: z.looseObject({}),
    run: async () => (seen.push('escalate'), { page: 'escalated' }),
  }),
]);
const text = `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: test.flow, version: 1 }
steps: { a: { uses: test.do@1 }, b: { uses: test.do@1, needs: [a] } }
`;
const request: RunRequest = {
  runId: 'run-1',
  workflow: 'test.flow',
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
  rule: 'r',
  configDigest: 'd',
  service: 'web',
  incidentKey: 'INC-1',
  lock: { kind: 'service', service: 'web' },
  timeoutMs: 1_800_000,
};

const engine = await createEmbeddedEngine({
  file: join(folder, 'runs.db'),
  actions,
  workflows: [loadWorkflow(text, { file: 'flow.yaml', actions })],
  ports: {},
  clock: createSystemClock(),
  ids: { next: (prefix = 'id') => `${prefix}-${process.pid}` },
  random: { next: () => 0.5 },
  log: silentLogger,
  times: { submitWithinMs: 1_000 },
});

if (mode === 'submit') {
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
  const answer = await engine.submit(request).catch((error: unknown) => (error as { code: string }).code);
  process.stdout.write(`${answer}\n`);
  // Nothing more happens on this thread; the journal's own thread goes on.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
while ((await engine.get('run-1'))?.status === 'running')
  await new Promise((resolve) => setTimeout(resolve, 20));
const run = await engine.get('run-1');
await engine.close();
process.stdout.write(JSON.stringify({ status: run?.status, error: run?.error?.code, page: run?.page, seen }));
