import { unmetRequirements } from '@lazarus/core/gates';
import type { DecisionRecord } from '@lazarus/core';
import type { DryRuns, DryRunView, Page, RunView } from '@lazarus/core/ports';
import { isCallOf } from './mock-actions.ts';
import type { RunbookCall } from './mock-actions.ts';

/**
 * What came of an event, in one word: `remediated` (its run succeeded), `escalated` (a person has it: the decision said so,
 * or the run failed), `notified` (people were told, nothing was done), `suppressed` (it needed nothing of its own),
 * `undecided` (no node that lives has concluded it).
 */
export type LabOutcomeName = 'remediated' | 'escalated' | 'notified' | 'suppressed' | 'undecided';

/** What came of one event. */
export interface LabOutcome {
  readonly eventId: string;
  readonly outcome: LabOutcomeName;
  /** The record of the decision; missing while it is undecided. */
  readonly record?: DecisionRecord;
  /** The run that the decision started, or that the event follows. */
  readonly run?: RunView;
  /**
   * What the run would have done, step by step: present when every gate let the event pass and its rule is in mode
   * `notify`. Nothing of it was done.
   */
  readonly would?: DryRunView;
  /** The page as it is now. */
  readonly page?: Page;
  /** Yes votes of all members, `2/3`; missing when no ballot was cast. */
  readonly votes?: string;
  /** What kept the event from being remediated: the exit, the gate, and the checks that failed. Empty when nothing did. */
  readonly blockedBy: readonly string[];
  /** From the arrival of the event to the end of its run, or to its decision; milliseconds. */
  readonly tookMs: number;
  /** Calls of the run. */
  readonly calls: readonly RunbookCall[];
  /** Calls of an action or a step of the run, polls and retries included. */
  callsOf(actionOrStep: string): readonly RunbookCall[];
  /** What happened in the lab, one line each. */
  readonly trace: readonly string[];
}

/** Reads what came of an event from what was recorded. */
export function outcomeOf(about: {
  readonly eventId: string;
  readonly emittedAtMs: number;
  readonly record: DecisionRecord | undefined;
  readonly run: RunView | undefined;
  readonly page: Page | undefined;
  /** All calls of the lab. */
  readonly calls: readonly RunbookCall[];
  readonly trace: readonly string[];
  readonly dryRuns: DryRuns;
}): LabOutcome {
  const { eventId, emittedAtMs, record, run, page, trace } = about;
  const would = record === undefined ? undefined : wouldOf(record, about.dryRuns);
  const calls = about.calls.filter(({ runId }) => runId === run?.run_id);
  const endedAt = run?.ended_at ?? record?.decided_at;
  return {
    eventId,
    outcome: nameOf(record, run),
    blockedBy: record === undefined ? [] : obstaclesOf(record),
    tookMs: endedAt === undefined ? 0 : Date.parse(endedAt) - emittedAtMs,
    calls,
    callsOf: (name) => calls.filter((call) => isCallOf(call, name)),
    trace,
    ...(record === undefined ? {} : { record }),
    ...(run === undefined ? {} : { run }),
    ...(would === undefined ? {} : { would }),
    ...(page === undefined ? {} : { page }),
    ...(record?.votes === undefined ? {} : { votes: `${record.votes.yes}/${record.votes.members}` }),
  };
}

/** What the run of a decision would have done if its rule were in mode `act`; nothing when a gate stopped the event. */
export function wouldOf(record: DecisionRecord, dryRuns: DryRuns): DryRunView | undefined {
  const { decision } = record;
  const wouldRun = decision.kind === 'notify_only' && decision.would === 'remediate';
  return wouldRun ? dryRuns.of(record) : undefined;
}

function nameOf(record: DecisionRecord | undefined, run: RunView | undefined): LabOutcomeName {
  switch (record?.decision.kind) {
    case undefined:
      return 'undecided';
    case 'remediate':
      if (run === undefined || run.status === 'running') return 'undecided';
      return run.status === 'succeeded' ? 'remediated' : 'escalated';
    case 'escalate':
      return 'escalated';
    case 'notify_only':
      return 'notified';
    case 'suppress':
      return 'suppressed';
  }
}

/** Names that a test may give to what stopped an event. */
function obstaclesOf(record: DecisionRecord): readonly string[] {
  const stopped = record.gates.findLast(({ verdict }) => verdict === 'fail');
  if (stopped === undefined) return [];
  const checks = stopped.gate === 'ballot' ? failedChecks(record) : [];
  return [...new Set([...(stopped.exit === undefined ? [] : [stopped.exit]), stopped.gate, ...checks])];
}

function failedChecks({ votes }: DecisionRecord): readonly string[] {
  const cast = votes?.cast ?? [];
  const failed = cast.flatMap((vote) => vote.checks.filter(({ verdict }) => verdict === 'fail'));
  return [...failed, ...unmetRequirements(cast)].map(({ check }) => check);
}
