import type { EffectiveRule, RuleMatch, Snapshot } from '../config/snapshot.ts';
import type { LazarusEvent } from '../events/event.ts';
import type { Host } from '../ports/fleet.ts';
import type { Lease } from '../ports/locks.ts';
import type { BallotResult } from '../ports/voters.ts';
import type { WindowView } from '../ports/windows.ts';
import type { Decision } from './decision.ts';
import type { ExitName } from './ladder.ts';
import type { DecisionEffects, DecisionReads } from './ports.ts';
import type { DecisionRecord, GateRecord, PageRecord } from './record.ts';

/** Settings of the decision itself, the same for all rules. */
export interface DecisionSettings {
  /** Name of this node in records. */
  readonly node: string;
  readonly region: string;
  /** How far an event may be dated in the future, milliseconds. */
  readonly maxSkewMs: number;
  /** Longest wait for the provider's inventory before the target counts as unknown, milliseconds. */
  readonly fleetTimeoutMs: number;
  /** TTL of the action lock, milliseconds; it is renewed while held. */
  readonly lockTtlMs: number;
  /** Page-to-decision budget until a rule is known, milliseconds. */
  readonly decideWithinMs: number;
  /** How long a page that was not found is looked up again, milliseconds: it may be opened after the event. */
  readonly pageLookupMs: number;
}

/** What arrived, and when. */
export interface Received {
  readonly position: string;
  readonly payload: unknown;
  /** Wall time, milliseconds. */
  readonly atMs: number;
  /** Monotonic time, milliseconds. */
  readonly monotonicMs: number;
}

/** Everything known about one event while it walks the ladder. Each gate reads what earlier gates wrote. */
export interface Walk {
  readonly received: Received;
  readonly settings: DecisionSettings;
  readonly reads: DecisionReads;
  /** Absent in a dry walk: then no gate can change anything. Keeps S13. */
  readonly effects: DecisionEffects | undefined;
  /** The configuration that this event started with; it keeps it. Keeps S15. */
  readonly snapshot: Snapshot | undefined;
  readonly signal: AbortSignal;
  readonly gates: GateRecord[];

  event?: LazarusEvent;
  eventId: string;
  namedPage?: string;
  target?: Host;
  targetProblem?: string;
  match?: RuleMatch;
  rule?: EffectiveRule;
  view?: WindowView;
  decisionId?: string;
  lease?: Lease;
  budgetReserved: boolean;
  ballot?: BallotResult;
  page?: PageRecord;
  /** The intent that this walk goes on from: its run exists. */
  resumes?: DecisionRecord;
}

/** What a gate says. A gate that stops the event carries the decision; `done` ends the walk with a pass. */
export type GateOutcome =
  | {
      readonly verdict: 'pass';
      readonly reason: string;
      readonly evidence?: Evidence;
      readonly done?: Decision;
    }
  | {
      readonly verdict: 'fail';
      /** `invariant_broken`: the gate itself failed, which can happen on any rung. */
      readonly exit: ExitName | 'invariant_broken';
      readonly reason: string;
      readonly evidence?: Evidence;
      readonly wouldFlip?: string;
      readonly decision: Decision;
    };

type Evidence = Readonly<Record<string, unknown>>;

/** One gate of the ladder. */
export type Gate = (walk: Walk) => Promise<GateOutcome> | GateOutcome;

/** The gate lets the event on. */
export function pass(reason: string, evidence?: Evidence): GateOutcome {
  return evidence === undefined ? { verdict: 'pass', reason } : { verdict: 'pass', reason, evidence };
}

/** The gate wakes a person; the exit is the reason. */
export function escalate(
  exit: Extract<ExitName, Extract<Decision, { kind: 'escalate' }>['reason']>,
  detail: string,
  more: { readonly evidence?: Evidence; readonly wouldFlip?: string } = {},
): GateOutcome {
  return {
    verdict: 'fail',
    exit,
    reason: detail,
    ...more,
    decision: { kind: 'escalate', reason: exit, detail },
  };
}

/** The event needs nothing of its own. */
export function suppress(
  exit: Extract<ExitName, Extract<Decision, { kind: 'suppress' }>['reason']>,
  detail: string,
  more: {
    readonly evidence?: Evidence;
    readonly attachedTo?: string;
    readonly runId?: string;
  } = {},
): GateOutcome {
  const decision: Decision = {
    kind: 'suppress',
    reason: exit,
    detail,
    ...(more.attachedTo === undefined ? {} : { attached_to: more.attachedTo }),
    ...(more.runId === undefined ? {} : { run_id: more.runId }),
  };
  return {
    verdict: 'fail',
    exit,
    reason: detail,
    ...(more.evidence === undefined ? {} : { evidence: more.evidence }),
    decision,
  };
}

/** Milliseconds left until this event must be acknowledged or escalated; 0 when it is too late. */
export function remainingMs(walk: Walk): number {
  const budgetMs = walk.rule?.decideWithinMs ?? walk.settings.decideWithinMs;
  const ageAtReceiptMs =
    walk.event === undefined ? 0 : Math.max(0, walk.received.atMs - Date.parse(walk.event.time));
  const elapsedMs = walk.reads.clock.monotonic() - walk.received.monotonicMs;
  return Math.max(0, budgetMs - ageAtReceiptMs - elapsedMs);
}

/** Key under which alarms about the same thing coalesce. */
export function entityOf(walk: Walk): string {
  const { event, target } = walk;
  if (event === undefined) return walk.eventId;
  return target?.hostId ?? event.host ?? `service:${event.service}`;
}

/** The record of the walk so far, with the decision it came to. */
export function recordOf(walk: Walk, decision: Decision, page: PageRecord): DecisionRecord {
  if (walk.resumes !== undefined) return resumedRecord(walk, walk.resumes, decision, page);
  const { event, rule, target, ballot, snapshot } = walk;
  const iso = (ms: number) => new Date(ms).toISOString();
  return {
    event_id: walk.eventId,
    ...(walk.decisionId === undefined ? {} : { decision_id: walk.decisionId }),
    region: event?.region ?? walk.settings.region,
    environment: event?.environment ?? '',
    service: event?.service ?? '',
    ...(event?.host === undefined ? {} : { host: event.host }),
    ...(target === undefined ? {} : { incarnation: target.incarnation }),
    event_type: event?.event_type ?? '',
    source: event?.source ?? '',
    event: event ?? walk.received.payload,
    ...(rule === undefined ? {} : { rule: rule.name, rule_digest: rule.digest }),
    ...(snapshot === undefined ? {} : { config_digest: snapshot.digest }),
    mode: rule?.mode ?? 'act',
    coordinator: walk.settings.node,
    received_at: iso(walk.received.atMs),
    decided_at: iso(walk.reads.clock.now()),
    decision,
    gates: [...walk.gates],
    ...(ballot === undefined
      ? {}
      : {
          votes: {
            yes: ballot.yes,
            required: ballot.required,
            members: ballot.members,
            cast: ballot.votes,
            voided: ballot.voided,
          },
        }),
    page,
    ...(rule?.notificationGroup === undefined ? {} : { notification_group: rule.notificationGroup }),
  };
}

/** Everything that the first walk found out stays in the record; the gates of this one follow. Keeps S11. */
function resumedRecord(
  walk: Walk,
  intent: DecisionRecord,
  decision: Decision,
  page: PageRecord,
): DecisionRecord {
  return {
    ...intent,
    decided_at: new Date(walk.reads.clock.now()).toISOString(),
    decision,
    gates: [...intent.gates, ...walk.gates],
    page,
  };
}
