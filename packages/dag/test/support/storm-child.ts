// A process that keeps many runs going until it is killed. What it did outlives it in append-only files.
// Arguments: folder, generation, runs in flight (0: submit nothing, end when every run has ended), boundary at which it
// kills itself (0: never), runs to submit at most, thread of the journal.
import { join } from 'node:path';
import { createSystemClock, PortError } from '@lazarus/core';
import type { Pager } from '@lazarus/core/ports';
import { z } from 'zod';
import {
  createActionRegistry,
  createEngine,
  defineAction,
  loadWorkflow,
  openSqliteJournal,
} from '../../src/index.ts';
import type { ActionContext, Journal } from '../../src/index.ts';
import { StormLedger } from './storm-ledger.ts';
import { STORM_WORKFLOW, willFail } from './storm-workflow.ts';

const [
  folder = '',
  generation = '1',
  inFlightText = '0',
  killAtText = '0',
  submitText = '0',
  threadText = 'worker',
] = process.argv.slice(2);
const inFlight = Number(inFlightText);
const killAt = Number(killAtText);
const maxSubmitted = Number(submitText) || Infinity;
let points = 0;

function point(): void {
  points += 1;
  if (points === killAt) process.kill(process.pid, 'SIGKILL');
}

const ledger = new StormLedger(folder, Number(generation));
const note = (line: Parameters<StormLedger['note']>[0]): void => ledger.note(line);

function act(context: ActionContext): { readonly done: boolean } {
  const { run, step, attempt, idempotencyKey: key } = context;
  note({ kind: 'body', run: run.runId, step, attempt });
  point();
  if (step === 'f' && willFail(run.runId))
    throw new PortError({ code: 'LZ_ACTUATOR_REFUSED', message: 'no', retryable: false });
  if (!ledger.hasEffect(key)) note({ kind: 'effect', run: run.runId, step, key });
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
      ledger.hasEffect(idempotencyKey) ? { happened: true, output: { done: true } } : { happened: false },
    run: async (_input, context) => act(context),
  }),
  defineAction({
    name: 'pager.escalate',
    version: 1,
    summary: 'Wakes a human.',
    input: z.looseObject({}),
    output,
    idempotent: true,
    run: async (_input, context) => (act(context), { page: 'escalated' }),
  }),
]);

function mortal(journal: Journal): Journal {
  const commit: Journal['commit'] = async (writes) => {
    point();
    const outcomes = await journal.commit(writes);
    for (const [index, write] of writes.entries()) {
      if (write.kind !== 'append') continue;
      const { runId: run, owner, epoch, from } = write;
      note({ kind: outcomes[index] === 'done' ? 'accepted' : 'refused', run, owner, epoch, from });
    }
    point();
    return outcomes;
  };
  return new Proxy(journal, {
    get: (target, key) => {
      if (key === 'commit') return commit;
      const member: unknown = Reflect.get(target, key);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

function warn(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
  if (message.includes('taken over by another')) note({ kind: 'let_go', run: String(fields['run_id']) });
}

/** What the engine does to a page by itself: its second way to a person, which must not be taken beside the first. */
function paged(call: string): Pager['resolve'] {
  return async ({ incidentKey, note: why = '' }) => {
    note({ kind: 'paged', run: incidentKey.replace('INC-', ''), call: `${call}: ${why}` });
    return { done: false, reason: 'not_found' };
  };
}
const pager: Pager = {
  find: async () => undefined,
  acknowledge: paged('acknowledge'),
  resolve: paged('resolve'),
  escalate: paged('escalate'),
};

const workflow = loadWorkflow(STORM_WORKFLOW, { file: 'storm.yaml', actions });
let drained: () => void = () => undefined;
let submitted = 0;
const engine = await createEngine(
  mortal(
    await openSqliteJournal({
      file: join(folder, 'runs.db'),
      thread: threadText === 'main' ? 'main' : 'worker',
    }),
  ),
  {
    actions,
    workflows: [workflow],
    ports: { pager },
    clock: createSystemClock(),
    ids: { next: (prefix = 'id') => `${prefix}-${generation}` },
    random: { next: () => 0.5 },
    log: { debug: () => undefined, info: () => undefined, warn, error: console.error },
    // A machine that is busy takes long to start the next process; that is not what is tried here.
    times: { leaseTtlMs: 400, sweepMs: 50, submitWithinMs: 60_000 },
    onBoundary: point,
  },
);

async function submit(): Promise<void> {
  submitted += 1;
  const runId = `run-${generation}-${submitted}`;
  await engine.submit({
    runId,
    workflow: 'test.storm',
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
    incidentKey: `INC-${runId}`,
    lock: { kind: 'service', service: 'web' },
    timeoutMs: 1_800_000,
  });
  note({ kind: 'created', run: runId });
}

async function fill(): Promise<void> {
  while (engine.activeRuns.length < inFlight && submitted < maxSubmitted) await submit();
  if (inFlight === 0 && engine.activeRuns.length === 0) drained();
}

const isDrained = new Promise<void>((resolve) => {
  drained = resolve;
});
engine.onFinished((run) => {
  note({ kind: 'finished', run: run.run_id, status: run.status, page: run.page ?? 'none' });
  setImmediate(() => void fill().catch(console.error));
});
process.stdout.write('ready\n');
await fill();
if (inFlight === 0) {
  await isDrained;
  await engine.close();
}
