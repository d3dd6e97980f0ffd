import { describeDecision } from '@lazarus/core';
import type { DecisionRecord } from '@lazarus/core';
import type { Clock, DryRunView, RunView } from '@lazarus/core/ports';
import type { RunbookCall } from './mock-actions.ts';

/** What happened in a lab, with its times. */
export interface LabHistory {
  readonly startedAtMs: number;
  readonly records: readonly DecisionRecord[];
  readonly runs: readonly RunView[];
  readonly calls: readonly RunbookCall[];
  /** Things that the test did: events, faults, people. */
  readonly deeds: LabDiary['deeds'];
  /** What the run of a decision would have done; `undefined` when it did it, or when there would have been none. */
  readonly would: (record: DecisionRecord) => DryRunView | undefined;
}

interface Line {
  /** Milliseconds since the start of the lab. */
  readonly atMs: number;
  readonly text: string;
}

/** What the test did to the lab. */
export interface LabDiary {
  /** Writes down what is done now. */
  note(text: string): void;
  readonly deeds: readonly Line[];
}

/** Creates an empty {@link LabDiary}. */
export function createLabDiary(clock: Pick<Clock, 'now'>, startedAtMs: number): LabDiary {
  const deeds: Line[] = [];
  return { deeds, note: (text) => void deeds.push({ atMs: clock.now() - startedAtMs, text }) };
}

/** One line per deed, vote, decision, call and end of a run, in the order of time. */
export function traceOfLab(history: LabHistory): readonly string[] {
  const { startedAtMs } = history;
  const lines: readonly Line[] = [
    ...history.deeds,
    ...history.records.flatMap((record) => linesOfRecord(record, history)),
    ...history.calls.map(({ atMs, step, action, attempt, outcome }) => ({
      atMs,
      text: `${step} calls ${action}, attempt ${attempt}: ${outcome}`,
    })),
    ...history.runs.flatMap((run) => linesOfRun(run, startedAtMs)),
  ];
  return lines
    .map((line, index) => ({ ...line, index }))
    .sort((left, right) => left.atMs - right.atMs || left.index - right.index)
    .map(({ atMs, text }) => `${(atMs / 1_000).toFixed(1).padStart(8)} s  ${text}`);
}

function linesOfRecord(
  record: DecisionRecord,
  { startedAtMs, would }: Pick<LabHistory, 'startedAtMs' | 'would'>,
): readonly Line[] {
  const at = (time: string): number => Date.parse(time) - startedAtMs;
  const ballotAt = record.gates.find(({ gate }) => gate === 'ballot')?.at ?? record.decided_at;
  const votes = (record.votes?.cast ?? []).map(({ voter, verdict, checks }) => {
    const failed = checks.filter((check) => check.verdict === 'fail');
    const why = failed.map(({ check, reason }) => `${check}, ${reason ?? 'no reason'}`).join('; ');
    return { atMs: at(ballotAt), text: `${voter} votes ${verdict}${why === '' ? '' : `: ${why}`}` };
  });
  const voided = (record.votes?.voided ?? []).map(({ voter, reason }) => ({
    atMs: at(ballotAt),
    text: `${voter} does not count: ${reason}`,
  }));
  const decided = `${record.event_id} ends in ${describeDecision(record.decision)}`;
  const decidedAtMs = at(record.decided_at);
  const dry = linesOfDryRun(would(record)).map((text) => ({ atMs: decidedAtMs, text }));
  return [...votes, ...voided, { atMs: decidedAtMs, text: decided }, ...dry];
}

function linesOfDryRun(would: DryRunView | undefined): readonly string[] {
  const steps = (would?.steps ?? []).map(({ step, summary, problem }) =>
    [`  dry run of ${step}: ${summary}`, ...(problem === undefined ? [] : [problem])].join('; '),
  );
  return would?.problem === undefined ? steps : [`  ${would.problem}`, ...steps];
}

function linesOfRun(run: RunView, startedAtMs: number): readonly Line[] {
  const ended = run.steps.flatMap(({ step, status, ended_at, error }): readonly Line[] => {
    if (ended_at === undefined || status === 'skipped') return [];
    const why = error === undefined ? '' : `: ${error.code} ${error.message}`;
    return [{ atMs: Date.parse(ended_at) - startedAtMs, text: `${step} ${status}${why}` }];
  });
  if (run.ended_at === undefined) return ended;
  const text = `run of ${run.workflow} ${run.status}, page ${run.page ?? 'open'}`;
  return [...ended, { atMs: Date.parse(run.ended_at) - startedAtMs, text }];
}
