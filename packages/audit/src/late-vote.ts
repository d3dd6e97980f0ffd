import type { VoidVote, Vote } from '@lazarus/core/ports';

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
