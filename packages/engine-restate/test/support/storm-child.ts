// A process that drives runs until it kills itself with SIGKILL at its n-th boundary. What it did outlives it in files.
// Arguments: folder, generation, port, boundary (0: never), address of the service, servers as JSON.
import { existsSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createSystemClock, PortError } from '@lazarus/core';
import type { Pager } from '@lazarus/core/ports';
import { createActionRegistry, defineAction, loadWorkflow } from '@lazarus/dag';
import type { ActionContext } from '@lazarus/dag';
import { z } from 'zod';
import { createRestateEngine } from '../../src/index.ts';
import { STORM_WORKFLOW, willFail } from './storm-workflow.ts';

const [folder = '', generation = '1', port = '0', killAt = '0', serviceUrl = '', servers = '[]'] =
  process.argv.slice(2);
const clock = createSystemClock();
let points = 0;

function point(): void {
  points += 1;
  if (points === Number(killAt)) process.kill(process.pid, 'SIGKILL');
}

/** What a line holds is with the operating system when the call returns: a kill does not take it back. */
const ledger = openSync(join(folder, 'ledger.log'), 'a');
const note = (line: Readonly<Record<string, unknown>>): void =>
  void writeSync(ledger, `${JSON.stringify({ generation: Number(generation), ...line })}\n`);

/** The provider: a file for each idempotency key, which can be made once. */
const effectFile = (key: string): string => join(folder, 'effects', key);

async function makeEffect({ run, step, idempotencyKey, ports }: ActionContext): Promise<void> {
  try {
    openSync(effectFile(idempotencyKey), 'wx');
  } catch {
    return;
  }
  note({ kind: 'effect', run: run.runId, step });
  if (step === 'on_error.escalate' && run.incidentKey !== undefined)
    await ports.pager?.escalate({ incidentKey: run.incidentKey, reason: 'workflow' });
}

/** Every call is a line, whoever makes it: a workflow that escalates, or an engine that calls for help. */
const pager: Pick<Pager, 'escalate'> = {
  escalate: async ({ incidentKey, reason }) => {
    note({ kind: 'page', run: incidentKey.replace(/^INC-/, ''), step: reason });
    const page = {
      incidentKey,
      pageId: incidentKey,
      status: 'triggered',
      escalationLevel: 2,
      takenByHuman: true,
    } as const;
    return { done: true, changed: true, page };
  },
};

async function act(context: ActionContext): Promise<{ readonly done: boolean }> {
  const { run, step, attempt } = context;
  note({ kind: 'body', run: run.runId, step, attempt });
  point();
  await clock.sleep(5 + Math.random() * 40, { signal: context.signal });
  if (step === 'f' && willFail(run.runId))
    throw new PortError({ code: 'LZ_ACTUATOR_REFUSED', message: 'no', retryable: false });
  await makeEffect(context);
  point();
  return { done: true };
}

const output = z.unknown();
const actions = createActionRegistry([
  defineAction({
    name: 'storm.act',
    version: 1,
    summary: 'Has an effect once per key.',
    input: z.strictObject({}),
    output,
    idempotent: true,
    run: async (_input, context) => act(context),
  }),
  defineAction({
    name: 'storm.checked',
    version: 1,
    summary: 'Has an effect, and can be asked about it.',
    input: z.strictObject({}),
    output,
    check: async (_input, { idempotencyKey }) =>
      existsSync(effectFile(idempotencyKey))
        ? { happened: true, output: { done: true } }
        : { happened: false },
    run: async (_input, context) => act(context),
  }),
  defineAction({
    name: 'pager.escalate',
    version: 1,
    summary: 'Wakes a human.',
    input: z.looseObject({}),
    output,
    idempotent: true,
    run: async (_input, context) => {
      await act(context);
      return { page: 'escalated' };
    },
  }),
]);

await createRestateEngine(
  {
    servers: JSON.parse(servers) as [],
    listen: { port: Number(port) },
    serviceUrl,
    times: { watchMs: 1_000 },
  },
  {
    actions,
    workflows: [loadWorkflow(STORM_WORKFLOW, { file: 'storm.yaml', actions })],
    ports: { pager: pager as Pager },
    clock,
    ids: { next: (prefix = 'id') => `${prefix}-${generation}-${Math.random().toString(36).slice(2)}` },
    random: { next: Math.random },
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: console.error },
    onBoundary: point,
  },
);
process.stdout.write('ready\n');
