import type { DecisionRecord } from '@lazarus/core';
import { nearestChange } from '@lazarus/core/controller';
import type { LateVoteRecord, RunView } from '@lazarus/core/ports';
import { humanBetween, shortId } from './amounts.ts';
import { renderOutcome, subjectOf } from './decision.ts';
import { renderGateLine, renderGatesNotReached, renderLateVotes, renderVotes } from './gate.ts';
import { createPaint, oneLine } from './paint.ts';
import type { RenderOptions } from './paint.ts';
import { renderRun } from './run.ts';

/** Options of {@link renderLadder}. */
export interface LadderOptions extends RenderOptions {
  /** Also what each gate saw, as JSON. @defaultValue false */
  readonly evidence?: boolean;
}

/**
 * The whole life of one event for people: what came, every gate with its reason, how each node voted, the gates that were
 * not reached, the page, the run with its steps, and the nearest change that would have flipped the outcome.
 *
 * @param run - The run that the decision started or follows, when it is known.
 * @param lateVotes - Votes that came when the ballot was over.
 */
export function renderLadder(
  record: DecisionRecord,
  run: RunView | undefined,
  options: LadderOptions,
  lateVotes: readonly LateVoteRecord[] = [],
): string {
  const late = renderLateVotes(lateVotes, record.decided_at, options);
  const gates = record.gates.flatMap((gate) => [
    renderGateLine(gate, options),
    ...(gate.gate === 'ballot' && record.votes !== undefined
      ? [...renderVotes(record.votes, options), ...late]
      : []),
  ]);
  return [
    ...heading(record, options),
    '',
    ...gates,
    ...renderGatesNotReached(record, options),
    '',
    pageLine(record),
    ...flipLines(record, options),
    ...(run === undefined ? [] : [renderRun(run, options)]),
  ].join('\n');
}

function heading(record: DecisionRecord, options: RenderOptions): readonly string[] {
  const paint = createPaint(options);
  const took = humanBetween(record.received_at, record.decided_at) ?? '';
  const rule = record.rule === undefined ? 'no rule' : `rule ${oneLine(record.rule)} (${record.mode})`;
  const config = record.config_digest === undefined ? 'no config' : `config ${shortId(record.config_digest)}`;
  const place = [record.region, record.environment].filter((part) => part !== '').join(', ');
  const type = record.event_type === '' ? 'an event' : oneLine(record.event_type);
  return [
    `${paint.bold(oneLine(record.event_id))}  ${type} about ${subjectOf(record)} (${oneLine(place)})`,
    renderOutcome(record.decision, options),
    paint.dim(
      `received ${record.received_at}, decided by ${oneLine(record.coordinator)} in ${took}, ${rule}, ${config}`,
    ),
  ];
}

function pageLine({ page }: DecisionRecord): string {
  const key = page.incident_key === undefined ? 'page' : `page ${page.incident_key}`;
  return oneLine(`${key}: ${page.action.replaceAll('_', ' ')}, ${page.detail}`);
}

/** What a node of an earlier version wrote down counts: its evidence shows less. */
function flipLines(record: DecisionRecord, options: RenderOptions): readonly string[] {
  const paint = createPaint(options);
  const stopped = record.gates.findLast(({ verdict }) => verdict === 'fail');
  const change = nearestChange(record);
  const text = stopped?.would_flip ?? change?.text;
  if (text === undefined) return [];
  const words = stopped === undefined ? 'would have been' : 'would have gone on with:';
  return [paint.yellow(oneLine(`${words} ${text}`))];
}
