import type { DecisionRecord } from '@lazarus/core';
import { explainDecision } from '@lazarus/core/controller';
import type { DryRunView, LateVoteRecord, RunView } from '@lazarus/core/ports';
import type { Client } from '../client/client.ts';
import { print, printJson } from '../context.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { renderDryRun } from '../render/dry-run.ts';
import { renderLadder } from '../render/ladder.ts';

/** Options of `explain`. */
export interface ExplainOptions {
  readonly output: 'text' | 'json';
  readonly evidence?: boolean;
}

/** What a node answers; one of an earlier version knows no late votes. */
type Explained = DecisionRecord & { readonly late_votes?: readonly LateVoteRecord[] };

/** Prints why Lazarus did what it did about one event. */
export async function explain(id: string, options: ExplainOptions, context: Context): Promise<ExitCode> {
  const client = await context.connect();
  const record = await client.request<Explained>('GET', `/v1/decisions/${encodeURIComponent(id)}`);
  const run = await runOf(client, record);
  const dryRun = await dryRunOf(client, record);
  if (options.output === 'json') printJson(context.terminal, explanation(record, run, dryRun));
  else {
    const how = { color: context.terminal.color, evidence: options.evidence === true };
    print(context.terminal, renderLadder(record, run, how, record.late_votes));
    if (dryRun !== undefined) print(context.terminal, `\n${renderDryRun(dryRun, record, how)}`);
  }
  return EXIT.ok;
}

/** The explanation as data, with the event as it was received and the run that the decision started or follows. */
function explanation(record: Explained, run: RunView | undefined, dryRun: DryRunView | undefined) {
  const { late_votes: lateVotes, ...decided } = record;
  return {
    ...explainDecision(decided),
    ...(lateVotes === undefined ? {} : { late_votes: lateVotes }),
    event: record.event,
    run: run ?? null,
    ...(dryRun === undefined ? {} : { dry_run: dryRun }),
  };
}

/**
 * What the run would have done, of a decision that was only shadowed; `undefined` for others. It is told now, from the
 * record: nothing of it is made while an event is decided about.
 */
async function dryRunOf(
  client: Client,
  { event_id: id, mode, decision }: DecisionRecord,
): Promise<DryRunView | undefined> {
  if (mode === 'act' || decision.kind === 'suppress') return undefined;
  const answer = await client.ask('GET', `/v1/dry-runs/${encodeURIComponent(id)}`);
  return answer.status === 200 ? (answer.body as DryRunView) : undefined;
}

/** The run that the decision started or follows; `undefined` when there is none (yet). */
async function runOf(client: Client, { decision }: DecisionRecord): Promise<RunView | undefined> {
  if (!('run_id' in decision)) return undefined;
  const answer = await client.ask('GET', `/v1/runs/${encodeURIComponent(decision.run_id)}`);
  return answer.status === 200 ? (answer.body as RunView) : undefined;
}
