/**
 * What travels between the nodes. A question carries everything that a vote is bound to; the answer repeats it, so that a
 * vote can never count for another decision, another configuration, another membership or a later ballot. Keeps S15.
 */
import { EventSchema } from '@lazarus/core';
import { z } from 'zod';

const id = z.string().min(1).max(128);

/** The binding of a vote. */
const Binding = {
  version: z.literal(1),
  decision_id: id,
  config_digest: z.string().max(128),
  membership_epoch: z.int().min(0),
  nonce: id,
  /** Monotonic instant of the coordinator at which the ballot ends; opaque to everybody else. */
  expires_at: z.number(),
};

/** The question put to one member. */
export const QuestionSchema = z.strictObject({
  ...Binding,
  coordinator: id,
  /** Time left when it was sent, milliseconds: nodes share no clock. */
  expires_in_ms: z.number().min(0).max(600_000),
  event: EventSchema,
  rule: id,
  host_id: id.optional(),
  /** Put a second time, right before a run of this decision acts. */
  revalidates: z.boolean().optional(),
  /** Nobody received this event: somebody asks what would be done about it. */
  supposed: z.boolean().optional(),
});

/** The question put to one member. */
export type Question = z.output<typeof QuestionSchema>;

const CheckResultSchema = z.strictObject({
  check: id,
  verdict: z.enum(['pass', 'fail']),
  reason: z.string().max(1_000).optional(),
  // It came through JSON: that its values are JSON needs no second look.
  evidence: z.record(z.string(), z.unknown()).optional(),
  durationMs: z.number().min(0),
});

/** A member's answer. */
export const AnswerSchema = z.strictObject({
  ...Binding,
  voter: id,
  zone: z.string().min(1).max(64),
  verdict: z.enum(['yes', 'no']),
  checks: z.array(CheckResultSchema).max(64),
});

/** A member's answer. */
export type Answer = z.output<typeof AnswerSchema>;

/** A greeting between ballots, and its answer: whoever sends it is there. It carries no vote and asks for none. */
export const HelloSchema = z.strictObject({ version: z.literal(1), hello: id });

/** A greeting between ballots. */
export type Hello = z.output<typeof HelloSchema>;
