import type { LazarusEvent } from '../events/event.ts';

/** Result of one precheck on one node. */
export interface CheckResult {
  readonly check: string;
  readonly verdict: 'pass' | 'fail';
  /** Always present for a failure. */
  readonly reason?: string;
  readonly evidence?: Readonly<Record<string, unknown>>;
  readonly durationMs: number;
}

/** Question put to every member, the coordinator's own node included. */
export interface BallotRequest {
  readonly decisionId: string;
  readonly configDigest: string;
  readonly event: LazarusEvent;
  /** Name of the matched rule in the snapshot with `configDigest`. */
  readonly rule: string;
  /** Provider id of the target, so that all members look at the same incarnation. */
  readonly hostId?: string;
  /**
   * The question is put a second time, right before a run of this decision acts. The event was fresh when it was decided;
   * its age says nothing about the run.
   */
  readonly revalidates?: boolean;
  /** Nothing was received: `plan` asks what would be done about such an event, and nobody counts it. Keeps S13. */
  readonly supposed?: boolean;
  /** Yes votes that the rule asks for. The membership's majority is the floor; more than there are members means all. */
  readonly required?: number;
  /** Monotonic instant of the coordinator at which the ballot ends. */
  readonly deadlineAtMs: number;
}

/** One member's answer. */
export interface Vote {
  readonly voter: string;
  readonly zone: string;
  readonly verdict: 'yes' | 'no';
  readonly checks: readonly CheckResult[];
  /** Round trip, milliseconds. */
  readonly durationMs: number;
}

/** A vote that counted as nothing, and why. */
export interface VoidVote {
  readonly voter: string;
  readonly reason:
    | 'late'
    | 'repeated'
    | 'unknown_member'
    | 'config_digest_differs'
    | 'membership_epoch_differs'
    | 'nonce_differs'
    | 'expired'
    | 'identity_differs'
    | 'transport_failed'
    | 'malformed';
  readonly detail?: string;
}

/** Outcome of a ballot. Late and dissenting votes are part of the record. */
export interface BallotResult {
  readonly outcome: 'reached' | 'not_reached' | 'timed_out';
  readonly yes: number;
  readonly required: number;
  readonly members: number;
  readonly votes: readonly Vote[];
  readonly voided: readonly VoidVote[];
  /** What the ballot as a whole did not show, for example a vote from the host's own zone; one line each. */
  readonly unmet?: readonly string[];
  /** Members that said nothing until the end. */
  readonly silent?: readonly string[];
  readonly durationMs: number;
}

/** Puts a question to the members and counts. Keeps S2 and S15. */
export interface Voters {
  ballot(request: BallotRequest, options: { readonly signal: AbortSignal }): Promise<BallotResult>;
}
