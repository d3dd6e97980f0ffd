import type { Decision } from './decision.ts';
import type { ExitName } from './ladder.ts';

/** What a gate looked at, as plain data. */
export type Evidence = Readonly<Record<string, unknown>>;

/** The gate lets the event on; `done` ends the walk here, with nothing left to decide. */
export interface Passed {
  readonly verdict: 'pass';
  readonly reason: string;
  readonly evidence?: Evidence;
  readonly done?: Decision;
}

/** The gate stops the event, and says what becomes of it. */
export interface Stopped {
  readonly verdict: 'fail';
  /** `invariant_broken`: the gate itself failed, which can happen on any rung. */
  readonly exit: ExitName | 'invariant_broken';
  readonly reason: string;
  readonly evidence?: Evidence;
  readonly decision: Decision;
}

/** What a gate says. */
export type GateOutcome = Passed | Stopped;

/** What a gate without anything to show says. */
export const NO_EVIDENCE: Evidence = Object.freeze({});

/** The gate lets the event on. */
export function pass(reason: string, evidence: Evidence = NO_EVIDENCE): Passed {
  return { verdict: 'pass', reason, evidence };
}

/** The gate wakes a person; the exit is the reason. */
export function escalate(
  exit: Extract<ExitName | 'invariant_broken', Extract<Decision, { kind: 'escalate' }>['reason']>,
  detail: string,
  evidence: Evidence = NO_EVIDENCE,
): Stopped {
  return {
    verdict: 'fail',
    exit,
    reason: detail,
    evidence,
    decision: { kind: 'escalate', reason: exit, detail },
  };
}

/** The event needs nothing of its own; its page follows the run or the event that is named. */
export function suppress(
  exit: Extract<ExitName, Extract<Decision, { kind: 'suppress' }>['reason']>,
  detail: string,
  evidence: Evidence = NO_EVIDENCE,
  follows: { readonly attachedTo?: string | undefined; readonly runId?: string | undefined } = {},
): Stopped {
  const decision: Decision = {
    kind: 'suppress',
    reason: exit,
    detail,
    ...(follows.attachedTo === undefined ? {} : { attached_to: follows.attachedTo }),
    ...(follows.runId === undefined ? {} : { run_id: follows.runId }),
  };
  return { verdict: 'fail', exit, reason: detail, evidence, decision };
}

/** The page follows a run that is about this very host: an exit of two gates. */
export function attachedToRun(runId: string, detail: string, evidence: Evidence = NO_EVIDENCE): Stopped {
  return suppress('attached', detail, { run_id: runId, ...evidence }, { runId });
}
