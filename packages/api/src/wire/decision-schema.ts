import { z } from '@hono/zod-openapi';
import type { DecisionRecord } from '@lazarus/core';
import { LADDER } from '@lazarus/core';

const gateIds = LADDER.map(({ id }) => id);

/** What one gate saw and said. */
const GateSchema = z
  .object({
    gate: z.enum(gateIds),
    number: z.int().min(1).max(LADDER.length),
    verdict: z.enum(['pass', 'fail']),
    exit: z.string().optional(),
    reason: z.string(),
    evidence: z.record(z.string(), z.unknown()),
    would_flip: z.string().optional(),
    at: z.iso.datetime(),
    duration_ms: z.number(),
  })
  .openapi('Gate');

const DecisionSchema = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('remediate'), workflow: z.string(), run_id: z.string(), votes: z.string() }),
    z.object({ kind: z.literal('escalate'), reason: z.string(), detail: z.string() }),
    z.object({
      kind: z.literal('notify_only'),
      reason: z.enum(['rule', 'mode']),
      detail: z.string(),
      would: z.enum(['remediate', 'escalate']).optional(),
    }),
    z.object({
      kind: z.literal('suppress'),
      reason: z.enum(['stale', 'duplicate', 'attached', 'superseded']),
      detail: z.string(),
      attached_to: z.string().optional(),
      run_id: z.string().optional(),
    }),
  ])
  .openapi('Decision');

/** One member's answer. */
export const VoteSchema = z
  .object({
    voter: z.string(),
    zone: z.string(),
    verdict: z.enum(['yes', 'no']),
    checks: z.array(
      z.object({
        check: z.string(),
        verdict: z.enum(['pass', 'fail']),
        reason: z.string().optional(),
        evidence: z.record(z.string(), z.unknown()).optional(),
        durationMs: z.number(),
      }),
    ),
    durationMs: z.number(),
  })
  .openapi('Vote');

/** A vote that counted as nothing, and why. */
export const VoidVoteSchema = z.object({
  voter: z.string(),
  reason: z.string(),
  detail: z.string().optional(),
});

const VotesSchema = z.object({
  yes: z.int(),
  required: z.int(),
  members: z.int(),
  cast: z.array(VoteSchema),
  voided: z.array(VoidVoteSchema),
  silent: z.array(z.string()).optional(),
});

/** The record of one event, as `GET /v1/decisions/{id}` shows it. For documents: what is sent is the record itself. */
export const DecisionRecordSchema = z
  .object({
    event_id: z.string(),
    decision_id: z.string().optional(),
    region: z.string(),
    environment: z.string(),
    service: z.string(),
    host: z.string().optional(),
    incarnation: z
      .object({ account: z.string(), region: z.string(), instanceId: z.string(), launchedAtMs: z.number() })
      .optional(),
    event_type: z.string(),
    source: z.string(),
    event: z.unknown(),
    rule: z.string().optional(),
    rule_digest: z.string().optional(),
    config_digest: z.string().optional(),
    mode: z.enum(['off', 'notify', 'act']),
    coordinator: z.string(),
    received_at: z.iso.datetime(),
    decided_at: z.iso.datetime(),
    decision: DecisionSchema,
    gates: z.array(GateSchema),
    votes: VotesSchema.optional(),
    page: z.object({
      incident_key: z.string().optional(),
      action: z.enum(['acknowledged', 'escalated', 'left_alone', 'follows', 'none']),
      detail: z.string(),
    }),
    notification_group: z.string().optional(),
  })
  .openapi('DecisionRecord');

/** Fields of a decision record that the schema does not name, or that core does not write: must be `never`. */
export type UnnamedDecisionFields = Exclude<
  keyof DecisionRecord,
  keyof z.output<typeof DecisionRecordSchema>
>;
