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
import { oneLine } from '../render/paint.ts';
import { renderRun } from '../render/run.ts';

/** Options of `explain`. */
export interface ExplainOptions {
  readonly output: 'text' | 'json';
  readonly evidence?: boolean;
}

/** What a node answers; one of an earlier version knows no late votes. */
type Explained = DecisionRecord & {
  readonly late_votes?: readonly LateVoteRecord[];
  readonly late_votes_problem?: string;
};

/** What stands beside a decision: known, absent, or not known for a reason of one line. */
interface Extra<T> {
  /** That it is not known, to begin a line with. */
  readonly words: string;
  readonly value?: T;
  readonly problem?: string;
}

/** Prints why Lazarus did what it did about one event: at once, and then what else could be found out. */
export async function explain(id: string, options: ExplainOptions, context: Context): Promise<ExitCode> {
  const client = await context.connect();
  const record = await client.request<Explained>('GET', `/v1/decisions/${encodeURIComponent(id)}`);
  const run = runOf(client, record);
  const dryRun = dryRunOf(client, record);
  if (options.output === 'json') {
    printJson(context.terminal, explanation(record, await run, await dryRun));
    return EXIT.ok;
  }
  const how = { color: context.terminal.color, evidence: options.evidence === true };
  print(context.terminal, renderLadder(record, undefined, how, record.late_votes));
  if (record.late_votes_problem !== undefined) warn(lateVotesProblem(record.late_votes_problem), context);
  tell(await run, (view) => renderRun(view, how), context);
  tell(await dryRun, (view) => `\n${renderDryRun(view, record, how)}`, context);
  return context.terminal.signal.aborted ? EXIT.interrupted : EXIT.ok;
}

/** An answer that cannot be shown is not known, either. */
function tell<T>({ value, problem, words }: Extra<T>, render: (value: T) => string, context: Context): void {
  if (problem !== undefined) warn(problem, context);
  if (value === undefined) return;
  let text;
  try {
    text = render(value);
  } catch {
    warn(`${words}: the node answered something else`, context);
    return;
  }
  print(context.terminal, text);
}

const warn = (line: string, { terminal }: Context): void => terminal.err(`lazarus: ${line}\n`);

const lateVotesProblem = (why: string): string => oneLine(`the late votes are not known: ${why}`);

/** The explanation as data, with the event as it was received and the run that the decision started or follows. */
function explanation(record: Explained, run: Extra<RunView>, dryRun: Extra<DryRunView>) {
  const { late_votes: lateVotes, late_votes_problem: unread, ...decided } = record;
  const problems = [
    ...(unread === undefined ? [] : [lateVotesProblem(unread)]),
    ...[run, dryRun].flatMap(({ problem }) => problem ?? []),
  ];
  return {
    ...explainDecision(decided),
    ...(lateVotes === undefined ? {} : { late_votes: lateVotes }),
    event: record.event,
    run: run.value ?? null,
    ...(dryRun.value === undefined ? {} : { dry_run: dryRun.value }),
    ...(problems.length === 0 ? {} : { problems }),
  };
}

/**
 * What the run would have done, of a decision that was only shadowed; nothing for others. It is told now, from the record:
 * nothing of it is made while an event is decided about.
 */
async function dryRunOf(
  client: Client,
  { event_id: id, mode, decision }: DecisionRecord,
): Promise<Extra<DryRunView>> {
  const words = 'what the run would do is not known';
  if (mode === 'act' || decision.kind === 'suppress') return { words };
  return extraOf(client, `/v1/dry-runs/${encodeURIComponent(id)}`, words);
}

/** The run that the decision started or follows; nothing when there is none (yet). */
async function runOf(client: Client, { decision }: DecisionRecord): Promise<Extra<RunView>> {
  const words = 'the run is not known';
  if (!('run_id' in decision)) return { words };
  return extraOf(client, `/v1/runs/${encodeURIComponent(decision.run_id)}`, words);
}

/** Never throws: the decision is worth more than what stands beside it. */
async function extraOf<T>(client: Client, path: string, words: string): Promise<Extra<T>> {
  try {
    const answer = await client.ask('GET', path);
    if (answer.status === 404) return { words };
    if (answer.status === 200 && typeof answer.body === 'object' && answer.body !== null)
      return { words, value: answer.body as T };
    throw client.refusal(answer);
  } catch (error) {
    return { words, problem: oneLine(`${words}: ${error instanceof Error ? error.message : String(error)}`) };
  }
}
