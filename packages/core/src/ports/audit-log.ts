import type { DecisionRecord } from '../decision/record.ts';
import type { Answer } from './answer.ts';
import type { VoidVote, Vote } from './voters.ts';
import type { RunView } from './workflow-engine.ts';

/** What happened to the page of an event that was attached to another one's remediation. */
export interface AttachmentSettled {
  readonly event_id: string;
  readonly page: 'resolved' | 'escalated' | 'left_alone';
  readonly reason: string;
}

/** A vote that arrived when the ballot was over: it counted for nothing, and a postmortem asks for it. */
export interface LateVoteRecord {
  readonly decision_id: string;
  readonly voter: string;
  /** ISO time. */
  readonly received_at: string;
  /** What it would have been, when it was well formed. */
  readonly vote?: Vote;
  readonly voided?: VoidVote;
}

/** Filter of {@link AuditLog.decisions}; newest first. */
export interface DecisionQuery {
  readonly service?: string;
  readonly host?: string;
  readonly kind?: DecisionRecord['decision']['kind'];
  /** 1 to 1000. */
  readonly limit?: number;
  /** Opaque cursor from the previous page. */
  readonly before?: string;
}

/**
 * Record of everything received and done: append-only and hash-chained. A promise resolves only when the record is
 * durable. Keeps S11 and S17.
 */
export interface AuditLog {
  /** The decision to remediate, before anything is acknowledged or run. Idempotent by event id. Keeps S10 and S12. */
  commitIntent(record: DecisionRecord): Promise<void>;
  /** The terminal record of an event; a second one for the same event id is refused silently. Keeps S11. */
  conclude(record: DecisionRecord): Promise<void>;
  /** The outcome of a run; idempotent by run id. */
  runFinished(run: RunView): Promise<void>;
  /** The page of an attached event reached its end; idempotent by event id. */
  attachmentSettled(settled: AttachmentSettled): Promise<void>;
  /** Terminal record of an event, or its committed intent; by canonical event id. */
  byEvent(
    eventId: string,
  ): Answer<{ readonly record: DecisionRecord; readonly terminal: boolean } | undefined>;
  /** Looks up by event id, decision id, or a unique prefix of either (at least 6 characters). */
  find(id: string): Promise<DecisionRecord | undefined>;
  decisions(query?: DecisionQuery): Promise<readonly DecisionRecord[]>;
  /** Finished runs that acted on an incarnation (by instance id), newest first. */
  runsOf(instanceId: string): Answer<readonly RunView[]>;
  run(runId: string): Promise<RunView | undefined>;
  /** Decisions to remediate whose run has no outcome in the log yet; committed intents without a run included. */
  openRuns(): Promise<readonly DecisionRecord[]>;
  /** Terminal records whose page follows a run (`page.action` is `follows`) and has not reached its end. */
  openAttachments(): Promise<readonly DecisionRecord[]>;
  /** Votes about a decision that arrived too late, oldest first. Adapters that keep none leave it out. */
  lateVotes?(decisionId: string): Promise<readonly LateVoteRecord[]>;
}
