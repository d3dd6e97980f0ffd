import type { RunView } from '@lazarus/core/ports';
import { print, printJson } from '../context.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { humanBetween, shortId } from '../render/amounts.ts';
import { oneLine } from '../render/paint.ts';
import { renderRun } from '../render/run.ts';
import { renderTable } from '../render/table.ts';

/** Options of `runs list`. */
export interface ListRunsOptions {
  readonly service?: string;
  readonly active?: boolean;
  readonly limit: number;
  readonly output: 'table' | 'json' | 'jsonl';
}

/** Lists runs, newest first. */
export async function listRuns(options: ListRunsOptions, context: Context): Promise<ExitCode> {
  const query = new URLSearchParams({
    limit: String(options.limit),
    active: String(options.active === true),
  });
  if (options.service !== undefined) query.set('service', options.service);
  const client = await context.connect();
  const { runs } = await client.request<{ runs: readonly RunView[] }>('GET', `/v1/runs?${query.toString()}`);
  const { terminal } = context;
  if (options.output === 'json') printJson(terminal, runs);
  else if (options.output === 'jsonl') for (const run of runs) print(terminal, JSON.stringify(run));
  else if (runs.length === 0) terminal.err('no runs\n');
  else print(terminal, renderRunTable(runs));
  return EXIT.ok;
}

/** Prints one run with its steps. */
export async function getRun(
  id: string,
  options: { readonly output: 'text' | 'json' },
  context: Context,
): Promise<ExitCode> {
  const client = await context.connect();
  const run = await client.request<RunView>('GET', `/v1/runs/${encodeURIComponent(id)}`);
  if (options.output === 'json') printJson(context.terminal, run);
  else print(context.terminal, renderRun(run, { color: context.terminal.color }));
  return EXIT.ok;
}

function renderRunTable(runs: readonly RunView[]): string {
  const rows = runs.map((run) => [
    run.started_at.replace(/\.\d+Z$/, 'Z'),
    run.status,
    humanBetween(run.started_at, run.ended_at) ?? '-',
    oneLine(run.service),
    run.host_id ?? '-',
    oneLine(run.workflow),
    run.page ?? '-',
    shortId(run.run_id),
  ]);
  return renderTable(['STARTED', 'STATUS', 'TOOK', 'SERVICE', 'HOST', 'WORKFLOW', 'PAGE', 'ID'], rows);
}
