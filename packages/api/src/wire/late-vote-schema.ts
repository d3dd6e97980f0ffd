import { z } from '@hono/zod-openapi';
import { VoidVoteSchema, VoteSchema } from './decision-schema.ts';

/** A vote that came when its ballot was over. */
export const LateVoteSchema = z
  .object({
    decision_id: z.string(),
    voter: z.string(),
    received_at: z.iso.datetime(),
    /** What it would have been, when it was well formed. */
    vote: VoteSchema.optional(),
    voided: VoidVoteSchema.optional(),
  })
  .openapi('LateVote');
