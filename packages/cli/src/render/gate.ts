import { LADDER } from '@lazarus/core';
import type { DecisionRecord, GateRecord } from '@lazarus/core';
import type { LateVoteRecord, Vote, VoidVote } from '@lazarus/core/ports';
import { humanBetween, humanDuration } from './amounts.ts';
import { createPaint, oneLine } from './paint.ts';
import type { Paint, RenderOptions } from './paint.ts';

const TITLE_WIDTH = Math.max(...LADDER.map(({ title }) => title.length));

/** Options of {@link renderGateLine}. */
export interface GateLineOptions extends RenderOptions {
  /** Also the evidence, as JSON on a line of its own. @defaultValue false */
  readonly evidence?: boolean;
}

/** One gate in one line: number, name, verdict, reason, time. Says `FAIL` in words, not only in red. */
export function renderGateLine(gate: GateRecord, options: GateLineOptions): string {
  const paint = createPaint(options);
  const passed = gate.verdict === 'pass';
  const verdict = passed ? paint.green('pass') : paint.red('FAIL');
  const exit = gate.exit === undefined || passed ? '' : `${gate.exit}: `;
  const reason = passed ? oneLine(gate.reason) : paint.bold(oneLine(`${exit}${gate.reason}`));
  const line = `${label(gate.number, titleOf(gate))}  ${verdict}  ${reason}  ${paint.dim(humanDuration(gate.duration_ms))}`;
  if (options.evidence !== true || Object.keys(gate.evidence).length === 0) return line;
  return `${line}\n${INDENT}${paint.dim(oneLine(JSON.stringify(gate.evidence)))}`;
}

/** Gates that the event never came to. */
export function renderGatesNotReached(
  record: Pick<DecisionRecord, 'gates'>,
  options: RenderOptions,
): readonly string[] {
  const paint = createPaint(options);
  return gatesNotReached(record).map(({ number, title }) =>
    paint.dim(`${label(number, title)}  -     not reached`),
  );
}

/** The rungs of the ladder below the last one that was walked. */
export function gatesNotReached({
  gates,
}: Pick<DecisionRecord, 'gates'>): readonly (typeof LADDER)[number][] {
  const walked = new Set<string>(gates.map(({ gate }) => gate));
  return LADDER.filter(({ id }) => !walked.has(id));
}

/** How each node voted, with its checks; then the votes that counted as nothing. */
export function renderVotes(
  votes: NonNullable<DecisionRecord['votes']>,
  options: RenderOptions,
): readonly string[] {
  const paint = createPaint(options);
  return [
    ...votes.cast.map((vote) => voteLine(vote, paint)),
    ...votes.voided.map((vote) => voidLine(vote, paint)),
  ];
}

/** Votes that came when the ballot was over: what each would have been, and how late it was. */
export function renderLateVotes(
  late: readonly LateVoteRecord[],
  decidedAt: string,
  options: RenderOptions,
): readonly string[] {
  const paint = createPaint(options);
  return late.map(({ voter, vote, voided, received_at: receivedAt }) => {
    const isAfter = Date.parse(receivedAt) >= Date.parse(decidedAt);
    const when = isAfter ? `${humanBetween(decidedAt, receivedAt)} after the decision` : 'after the ballot';
    const counted = paint.yellow(`came ${when} and counted for nothing`);
    if (vote !== undefined) return `${voteLine(vote, paint)}  ${counted}`;
    return `${INDENT}${oneLine(voter)}  ${paint.yellow('late')}  ${counted}${oneLine(whyLate(voided))}`;
  });
}

function whyLate(voided: VoidVote | undefined): string {
  if (voided?.detail !== undefined) return `, ${voided.detail}`;
  return voided === undefined || voided.reason === 'late' ? '' : `, ${voided.reason.replaceAll('_', ' ')}`;
}

const INDENT = ' '.repeat(TITLE_WIDTH + 14);

function voteLine(vote: Vote, paint: Paint): string {
  const verdict = vote.verdict === 'yes' ? paint.green('yes') : paint.red('NO ');
  const checks = vote.checks.map((check) =>
    check.verdict === 'pass'
      ? `${oneLine(check.check)} ok`
      : paint.red(`${oneLine(check.check)} FAIL: ${oneLine(check.reason ?? 'no reason given')}`),
  );
  const said = checks.length === 0 ? 'no checks' : checks.join(', ');
  return `${INDENT}${oneLine(vote.voter)} (${oneLine(vote.zone)})  ${verdict}  ${said}  ${paint.dim(humanDuration(vote.durationMs))}`;
}

function voidLine(vote: VoidVote, paint: Paint): string {
  const detail = vote.detail === undefined ? '' : `, ${vote.detail}`;
  return `${INDENT}${oneLine(vote.voter)}  ${paint.yellow('void')}  ${oneLine(vote.reason.replaceAll('_', ' ') + detail)}`;
}

function label(number: number, title: string): string {
  return `  ${String(number).padStart(2)}  ${title.padEnd(TITLE_WIDTH)}`;
}

function titleOf({ gate }: GateRecord): string {
  return LADDER.find(({ id }) => id === gate)?.title ?? gate;
}
