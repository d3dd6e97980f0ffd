import type { DecisionRecord } from '@lazarus/core';
import type { DryRunView } from '@lazarus/core/ports';
import { print, printJson } from '../context.ts';
import type { Context } from '../context.ts';
import { eventFromOptions } from '../emit/event-from-options.ts';
import type { EventOptions } from '../emit/event-from-options.ts';
import { readDocument } from '../emit/read-document.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { renderDryRun } from '../render/dry-run.ts';
import { renderLadder } from '../render/ladder.ts';
import type { LadderOptions } from '../render/ladder.ts';

/** A plan waits for the hold-down and the ballot as a decision does, milliseconds. */
const PLAN_TIMEOUT_MS = 60_000;

/** Options of `plan`. */
export interface PlanOptions extends EventOptions {
  readonly event?: string;
  readonly output: 'text' | 'json';
  readonly evidence?: boolean;
}

/** What a node answers; one of an earlier version tells no dry run. */
type Planned = DecisionRecord & { readonly dry_run?: DryRunView };

/**
 * Asks what would be decided about an event now, and what the run would do. Nothing is changed: the node walks the ladder
 * without effects.
 */
export async function plan(options: PlanOptions, context: Context): Promise<ExitCode> {
  const { terminal } = context;
  const document = options.event === undefined ? undefined : await readDocument(options.event, terminal);
  const event = eventFromOptions(options, document, {
    nowMs: terminal.now(),
    newId: terminal.newId,
    env: terminal.env,
  });
  const client = await context.connect(PLAN_TIMEOUT_MS);
  const record = await client.request<Planned>('POST', '/v1/plan', event);
  if (options.output === 'json') printJson(terminal, record);
  else print(terminal, render(record, { color: terminal.color, evidence: options.evidence === true }));
  return record.decision.kind === 'remediate' ? EXIT.wouldAct : EXIT.blocked;
}

function render(record: Planned, options: LadderOptions): string {
  const ladder = renderLadder(record, undefined, options);
  if (record.dry_run === undefined) return ladder;
  return `${ladder}\n\n${renderDryRun(record.dry_run, record, options)}`;
}
