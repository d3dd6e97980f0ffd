import { z } from '@hono/zod-openapi';
import type { DecisionRecord } from '@lazarus/core';
import type { AuditLog, RunView, WorkflowEngine } from '@lazarus/core/ports';
import type { Endpoint } from '../endpoint.ts';
import { problem } from '../problem.ts';
import { readQuery } from '../request.ts';
import { RunSchema } from '../wire/run-schema.ts';

const RunsQuery = z.strictObject({
  service: z.string().min(1).optional(),
  /** `true`: only runs that have not ended. */
  active: z.enum(['', 'true', 'false']).default('false'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

/** Where runs are read from: the engine knows the steps of now, the log knows what has ended. */
export interface RunReads {
  readonly audit: Pick<AuditLog, 'decisions' | 'find' | 'openRuns' | 'run'>;
  readonly engine: Pick<WorkflowEngine, 'get'>;
}

/** `GET /v1/runs` and `GET /v1/runs/{id}`: executions of workflows with their steps. */
export function runEndpoints(reads: RunReads): readonly Endpoint[] {
  return [
    {
      method: 'get',
      path: '/v1/runs',
      summary: 'Runs, newest first',
      description: '`active` (or `active=true`) leaves out what has ended.',
      query: RunsQuery,
      answer: {
        mediaType: 'application/json',
        description: 'Runs with their steps',
        schema: z.object({ runs: z.array(RunSchema) }),
      },
      problems: ['invalid_request', 'unavailable'],
      handle: async (context) => {
        const query = readQuery(context, RunsQuery);
        if (!query.ok) return query.refusal;
        const { service, active, limit } = query.value;
        const runs =
          active === 'false' ? await latestRuns(reads, limit, service) : await activeRuns(reads, service);
        return context.json({ runs: runs.slice(0, limit) });
      },
    },
    {
      method: 'get',
      path: '/v1/runs/{id}',
      summary: 'One run with every step',
      description:
        'The id is a run id (which is the decision id), a unique prefix of it, or the id of the event that led to it.',
      parameters: z.object({ id: z.string() }),
      answer: { mediaType: 'application/json', description: 'The run', schema: RunSchema },
      problems: ['not_found', 'unavailable'],
      handle: async (context) => {
        const id = context.req.param('id') ?? '';
        const run = (await readRun(reads, id)) ?? (await runOfDecision(reads, await reads.audit.find(id)));
        return run === undefined
          ? problem(context, 'not_found', `no run has the id ${id}`)
          : context.json(run);
      },
    },
  ];
}

async function readRun({ audit, engine }: RunReads, runId: string): Promise<RunView | undefined> {
  return (await engine.get(runId)) ?? (await audit.run(runId));
}

async function runOfDecision(
  reads: RunReads,
  record: DecisionRecord | undefined,
): Promise<RunView | undefined> {
  if (record === undefined || !('run_id' in record.decision)) return undefined;
  return readRun(reads, record.decision.run_id);
}

async function latestRuns(reads: RunReads, limit: number, service?: string): Promise<readonly RunView[]> {
  const decisions = await reads.audit.decisions({
    kind: 'remediate',
    limit,
    ...(service === undefined ? {} : { service }),
  });
  return runsOf(reads, decisions);
}

async function activeRuns(reads: RunReads, service?: string): Promise<readonly RunView[]> {
  const open = await reads.audit.openRuns();
  const runs = await runsOf(
    reads,
    open.filter((record) => service === undefined || record.service === service),
  );
  return runs
    .filter((run) => run.status === 'running')
    .sort((left, right) => right.started_at.localeCompare(left.started_at));
}

/** The runs of decisions, each once. A decision whose run was never started has none. */
async function runsOf(reads: RunReads, records: readonly DecisionRecord[]): Promise<readonly RunView[]> {
  const byId = new Map<string, RunView>();
  for (const record of records) {
    const run = await runOfDecision(reads, record);
    if (run !== undefined) byId.set(run.run_id, run);
  }
  return [...byId.values()];
}
