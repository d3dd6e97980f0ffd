import type { DecisionRecord } from '@lazarus/core';
import { print, printJson } from '../context.ts';
import type { Context } from '../context.ts';
import { eventFromOptions } from '../emit/event-from-options.ts';
import type { EventOptions } from '../emit/event-from-options.ts';
import { readDocument } from '../emit/read-document.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { renderLadder } from '../render/ladder.ts';

/** A plan waits for the hold-down and the ballot as a decision does, milliseconds. */
const PLAN_TIMEOUT_MS = 60_000;

/** Options of `plan`. */
export interface PlanOptions extends EventOptions {
  readonly event?: string;
  readonly output: 'text' | 'json';
  readonly evidence?: boolean;
}

/** Asks what would be decided about an event now. Nothing is changed: the node walks the ladder without effects. */
export async function plan(options: PlanOptions, context: Context): Promise<ExitCode> {
  const { terminal } = context;
  const document = options.event === undefined ? undefined : await readDocument(options.event, terminal);
  const event = eventFromOptions(options, document, {
    nowMs: terminal.now(),
    newId: terminal.newId,
    env: terminal.env,
  });
  const client = await context.connect(PLAN_TIMEOUT_MS);
  const record = await client.request<DecisionRecord>('POST', '/v1/plan', event);
  if (options.output === 'json') printJson(terminal, record);
  else
    print(
      terminal,
      renderLadder(record, undefined, { color: terminal.color, evidence: options.evidence === true }),
    );
  return record.decision.kind === 'remediate' ? EXIT.wouldAct : EXIT.blocked;
}
