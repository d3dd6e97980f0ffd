import type { Incarnation } from '../ports/fleet.ts';
import type { Vote, VoidVote } from '../ports/voters.ts';
import type { Decision } from './decision.ts';
import type { GateId } from './ladder.ts';

/** What one gate saw and said; written for gates that passed, too. */
export interface GateRecord {
  readonly gate: GateId;
  readonly number: number;
  readonly verdict: 'pass' | 'fail';
  /** The exit taken, for a failure. */
  readonly exit?: string;
  /** One line for people. */
  readonly reason: string;
  readonly evidence: Readonly<Record<string, unknown>>;
  /**
   * The nearest change that would have flipped the verdict, in records of versions that wrote it down; `explainDecision`
   * computes it from the evidence.
   */
  readonly would_flip?: string;
  /** ISO time. */
  readonly at: string;
  readonly duration_ms: number;
}

/** What became of the page when the decision was made. */
export interface PageRecord {
  readonly incident_key?: string;
  /** `follows`: the page of an attached event shares the fate of the run. `none`: the event names no page. */
  readonly action: 'acknowledged' | 'escalated' | 'left_alone' | 'follows' | 'none';
  readonly detail: string;
}

/** The record of one event: everything a postmortem asks for. Wire shape of `GET /v1/decisions/{id}`. Keeps S11. */
export interface DecisionRecord {
  /** Canonical id of the event; unique in the audit log. */
  readonly event_id: string;
  /** `D`, when the ladder got as far as a rule and a target. */
  readonly decision_id?: string;
  readonly region: string;
  readonly environment: string;
  readonly service: string;
  readonly host?: string;
  readonly incarnation?: Incarnation;
  readonly event_type: string;
  readonly source: string;
  /** The event as received, or what was received when it could not be decoded. */
  readonly event: unknown;
  readonly rule?: string;
  readonly rule_digest?: string;
  readonly config_digest?: string;
  readonly mode: 'off' | 'notify' | 'act';
  /** Node that coordinated. */
  readonly coordinator: string;
  readonly received_at: string;
  readonly decided_at: string;
  readonly decision: Decision;
  readonly gates: readonly GateRecord[];
  readonly votes?: {
    readonly yes: number;
    readonly required: number;
    readonly members: number;
    readonly cast: readonly Vote[];
    readonly voided: readonly VoidVote[];
    /** Members that said nothing until the end. */
    readonly silent?: readonly string[];
  };
  readonly page: PageRecord;
  readonly notification_group?: string;
}
