import type { DecisionRecord } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';
import type { Client } from '../client/client.ts';
import { print, printJson } from '../context.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { gatesNotReached } from '../render/gate.ts';
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

/** The explanation as data: the record, what was not reached, the nearest change that would have flipped it, the run. */
function explanation(record: DecisionRecord, run: RunView | undefined) {
  return {
    decision: record,
    not_reached: gatesNotReached(record).map(({ id }) => id),
    would_flip: record.gates.findLast(({ would_flip }) => would_flip !== undefined)?.would_flip ?? null,
    run: run ?? null,
  };
}

/** The run that the decision started or follows; `undefined` when there is none (yet). */
async function runOf(client: Client, { decision }: DecisionRecord): Promise<RunView | undefined> {
  if (!('run_id' in decision)) return undefined;
  const answer = await client.ask('GET', `/v1/runs/${encodeURIComponent(decision.run_id)}`);
  return answer.status === 200 ? (answer.body as RunView) : undefined;
}
