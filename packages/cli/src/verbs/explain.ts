import type { DecisionRecord } from '@lazarus/core';
import { explainDecision } from '@lazarus/core/controller';
import type { RunView } from '@lazarus/core/ports';
import type { Client } from '../client/client.ts';
import { print, printJson } from '../context.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { renderLadder } from '../render/ladder.ts';

/** Options of `explain`. */
export interface ExplainOptions {
  readonly output: 'text' | 'json';
  readonly evidence?: boolean;
}

/** Prints why Lazarus did what it did about one event. */
export async function explain(id: string, options: ExplainOptions, context: Context): Promise<ExitCode> {
  const client = await context.connect();
  const record = await client.request<DecisionRecord>('GET', `/v1/decisions/${encodeURIComponent(id)}`);
  const run = await runOf(client, record);
  if (options.output === 'json') printJson(context.terminal, explanation(record, run));
  else {
    const { color } = context.terminal;
    print(context.terminal, renderLadder(record, run, { color, evidence: options.evidence === true }));
  }
  return EXIT.ok;
}

/** The explanation as data, with the event as it was received and the run that the decision started or follows. */
function explanation(record: DecisionRecord, run: RunView | undefined) {
  return { ...explainDecision(record), event: record.event, run: run ?? null };
}

/** The run that the decision started or follows; `undefined` when there is none (yet). */
async function runOf(client: Client, { decision }: DecisionRecord): Promise<RunView | undefined> {
  if (!('run_id' in decision)) return undefined;
  const answer = await client.ask('GET', `/v1/runs/${encodeURIComponent(decision.run_id)}`);
  return answer.status === 200 ? (answer.body as RunView) : undefined;
}
