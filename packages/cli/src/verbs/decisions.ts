import type { DecisionRecord } from '@lazarus/core';
import { followStream } from '../client/event-source.ts';
import type { Client } from '../client/client.ts';
import { print, printJson } from '../context.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { shortId } from '../render/amounts.ts';
import { renderDecision, renderKind } from '../render/decision.ts';
import { oneLine } from '../render/paint.ts';
import { renderTable } from '../render/table.ts';

/** Options of `decisions`. */
export interface DecisionsOptions {
  readonly service?: string;
  readonly host?: string;
  readonly kind?: DecisionRecord['decision']['kind'];
  readonly limit: number;
  readonly follow?: boolean;
  readonly output: 'table' | 'wide' | 'json' | 'jsonl';
}

/** Lists decisions, newest first; with `--follow` oldest first, and then as they happen. */
export async function decisions(options: DecisionsOptions, context: Context): Promise<ExitCode> {
  const client = await context.connect();
  if (options.follow === true) return follow(client, options, context);
  show(await latest(client, options), options, context);
  return EXIT.ok;
}

async function latest(client: Client, options: DecisionsOptions): Promise<readonly DecisionRecord[]> {
  const { service, host, kind, limit } = options;
  const query = new URLSearchParams(
    Object.entries({ service, host, kind, limit: String(limit) }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as [string, string]],
    ),
  );
  const page = await client.request<{ decisions: readonly DecisionRecord[] }>(
    'GET',
    `/v1/decisions?${query.toString()}`,
  );
  return page.decisions;
}

function show(records: readonly DecisionRecord[], { output }: DecisionsOptions, { terminal }: Context): void {
  if (output === 'json') printJson(terminal, records);
  else if (output === 'jsonl') for (const record of records) print(terminal, JSON.stringify(record));
  else if (records.length === 0) terminal.err('no decisions\n');
  else print(terminal, renderDecisionTable(records, { color: terminal.color, wide: output === 'wide' }));
}

/** Decisions as a table. */
export function renderDecisionTable(
  records: readonly DecisionRecord[],
  options: { readonly color: boolean; readonly wide: boolean },
): string {
  const header = ['DECIDED', 'DECISION', 'SERVICE', 'HOST', 'REASON', 'EVENT'];
  const rows = records.map((record) => [
    record.decided_at.replace(/\.\d+Z$/, 'Z'),
    renderKind(record.decision.kind, options),
    oneLine(record.service),
    oneLine(record.host ?? '-'),
    reasonOf(record),
    oneLine(record.event_id),
    ...(options.wide ? wideCells(record) : []),
  ]);
  return renderTable(options.wide ? [...header, 'RULE', 'VOTES', 'PAGE', 'NODE', 'ID'] : header, rows);
}

function reasonOf({ decision }: DecisionRecord): string {
  return decision.kind === 'remediate' ? oneLine(decision.workflow) : decision.reason;
}

function wideCells(record: DecisionRecord): readonly string[] {
  const votes = record.votes === undefined ? '-' : `${record.votes.yes}/${record.votes.members}`;
  const id = record.decision_id === undefined ? '-' : shortId(record.decision_id);
  return [oneLine(record.rule ?? '-'), votes, record.page.action, oneLine(record.coordinator), id];
}

async function follow(client: Client, options: DecisionsOptions, context: Context): Promise<ExitCode> {
  const { terminal } = context;
  const write = (record: DecisionRecord): void =>
    print(
      terminal,
      isJson(options) ? JSON.stringify(record) : renderDecision(record, { color: terminal.color }),
    );
  const shown = new Set<string>();
  const messages = followStream(client, '/v1/stream', {
    signal: terminal.signal,
    // The stream is open by then, so nothing can fall between the list and what follows it.
    onOpen: async () => {
      for (const record of [...(await latest(client, options))].reverse()) {
        shown.add(record.event_id);
        write(record);
      }
    },
    onReconnect: (reason) => terminal.err(`${reason}; connecting again\n`),
  });
  for await (const { event, data } of messages) {
    if (event === 'gap') terminal.err('entries are missing here; see: lazarus decisions\n');
    if (event !== 'decision') continue;
    const record = JSON.parse(data) as DecisionRecord;
    if (isWanted(record, options) && !shown.delete(record.event_id)) write(record);
  }
  return EXIT.ok;
}

function isJson({ output }: DecisionsOptions): boolean {
  return output === 'json' || output === 'jsonl';
}

function isWanted(record: DecisionRecord, { service, host, kind }: DecisionsOptions): boolean {
  return (
    (service === undefined || record.service === service) &&
    (host === undefined || record.host === host) &&
    (kind === undefined || record.decision.kind === kind)
  );
}
