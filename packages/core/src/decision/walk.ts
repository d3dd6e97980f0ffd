import type { EffectiveRule, RuleMatch, Snapshot } from '../config/snapshot.ts';
import type { LazarusEvent } from '../events/event.ts';
import type { Host } from '../ports/fleet.ts';
import type { Lease } from '../ports/locks.ts';
import type { BallotResult } from '../ports/voters.ts';
import type { WindowView } from '../ports/windows.ts';
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

  event: LazarusEvent | undefined;
  /** When the event happened, wall time in milliseconds; that of receipt until it is decoded. */
  eventAtMs: number;
  eventId: string;
  namedPage: string | undefined;
  target: Host | undefined;
  targetProblem: string | undefined;
  match: RuleMatch | undefined;
  rule: EffectiveRule | undefined;
  view: WindowView | undefined;
  decisionId: string | undefined;
  lease: Lease | undefined;
  budgetReserved: boolean;
  ballot: BallotResult | undefined;
  page: PageRecord | undefined;
  /** It was decided: a gate that ends later than that gives back what it gets. */
  isOver: boolean;
  /** The intent that this walk goes on from: its run exists. */
  resumes: DecisionRecord | undefined;
}

/** A walk before its first gate. Every field is there from the start: walks of one shape are fast to read. */
export function startWalk(
  start: Pick<Walk, 'received' | 'settings' | 'reads' | 'effects' | 'snapshot' | 'signal'>,
): Walk {
  const { received, settings, reads, effects, snapshot, signal } = start;
  return {
    received,
    settings,
    reads,
    effects,
    snapshot,
    signal,
    gates: [],
    event: undefined,
    eventAtMs: received.atMs,
    eventId: `undecoded/${received.position}`,
    namedPage: undefined,
    target: undefined,
    targetProblem: undefined,
    match: undefined,
    rule: undefined,
    view: undefined,
    decisionId: undefined,
    lease: undefined,
    budgetReserved: false,
    ballot: undefined,
    page: undefined,
    isOver: false,
    resumes: undefined,
  };
}

/** A dry walk, or a rule that is not trusted to act yet. */
export function isDry(walk: Walk): boolean {
  return walk.effects === undefined || walk.rule?.mode !== 'act';
}

/** Milliseconds until this event must be acknowledged or escalated; negative when it is too late. */
export function slackMs(walk: Walk): number {
  const budgetMs = walk.rule?.decideWithinMs ?? walk.settings.decideWithinMs;
  const ageAtReceiptMs = Math.max(0, walk.received.atMs - walk.eventAtMs);
  const elapsedMs = walk.reads.clock.monotonic() - walk.received.monotonicMs;
  return budgetMs - ageAtReceiptMs - elapsedMs;
}

/** Milliseconds left until this event must be acknowledged or escalated; 0 when it is too late. */
export function remainingMs(walk: Walk): number {
  return Math.max(0, slackMs(walk));
}

/** Key under which alarms about the same thing coalesce. */
export function entityOf(walk: Walk): string {
  const { event, target } = walk;
  return event === undefined ? walk.eventId : observedEntity(event, target?.hostId);
}

/** What an event counts as failing: the host as the provider knows it, else as the event names it, else the service. */
export function observedEntity(event: Pick<LazarusEvent, 'host' | 'service'>, hostId?: string): string {
  return hostId ?? event.host ?? `service:${event.service}`;
}

/** What an earlier gate has established; its absence is our bug, and escalates. */
export function known<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('an earlier gate did not establish what this one needs');
  return value;
}
