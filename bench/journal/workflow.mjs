// The workflows of the journal benchmark: steps that do nothing, and one that never ends.
import { createActionRegistry, defineAction, loadWorkflow } from '@lazarus/dag';
import { z } from 'zod';

const base = { version: 1, summary: 'Does nothing.', idempotent: true };

export const actions = ({ hang = () => undefined } = {}) =>
  createActionRegistry([
    defineAction({
      ...base,
      name: 'bench.noop',
      input: z.strictObject({}),
      output: z.strictObject({ done: z.boolean() }),
      run: async () => ({ done: true }),
    }),
    defineAction({
      ...base,
      name: 'bench.hang',
      input: z.strictObject({}),
      output: z.unknown(),
      run: async () => {
        hang();
        await new Promise(() => undefined);
      },
    }),
    defineAction({
      ...base,
      name: 'pager.escalate',
      input: z.looseObject({}),
      output: z.unknown(),
      run: async () => null,
    }),
  ]);

const documentOf = (name, steps) =>
  `apiVersion: lazarus.dev/v1\nkind: Workflow\nmetadata: { name: ${name}, version: 1 }\nsteps:\n${steps}\n`;
const chain = (count) =>
  Array.from({ length: count }, (_, index) => {
    const needs = index === 0 ? '' : `, needs: [s${index}]`;
    return `  s${index + 1}: { uses: bench.noop@1${needs} }`;
  }).join('\n');

const SEVEN = `  s1: { uses: bench.noop@1 }
  s2: { uses: bench.noop@1, needs: [s1] }
  s3: { uses: bench.noop@1, needs: [s1] }
  s4: { uses: bench.noop@1, needs: [s2, s3] }
  s5: { uses: bench.noop@1, needs: [s4] }
  s6: { uses: bench.noop@1, needs: [s5] }
  s7: { uses: bench.noop@1, needs: [s6] }`;

const STEPS = {
  'bench.seven': SEVEN,
  'bench.two_hundred': chain(200),
  'bench.hang': '  s1: { uses: bench.hang@1 }',
};

export const workflowOf = (name) =>
  loadWorkflow(documentOf(name, STEPS[name]), { file: `${name}.yaml`, actions: actions() });

const event = {
  id: 'e',
  event_type: 'Bench',
  source: 'bench',
  time: '2026-01-01T00:00:00Z',
  region: 'r',
  environment: 'test',
  service: 'web',
  attributes: {},
};

export const requestOf = (runId, workflow) => ({
  runId,
  workflow,
  inputs: {},
  event,
  rule: 'r',
  configDigest: 'd',
  service: 'web',
  lock: { kind: 'service', service: 'web' },
  timeoutMs: 600_000,
});

export const silent = { debug() {}, info() {}, warn() {}, error() {} };
