import { z } from 'zod';
import { LADDER } from './ladder.ts';

const gate = z.enum(LADDER.map(({ id }) => id));
const instant = z.iso.datetime();
const evidence = z.record(z.string(), z.unknown());

const ChainLinkSchema = z.strictObject({
  number: z.int().min(1).max(LADDER.length),
  gate,
  question: z.string(),
  verdict: z.enum(['pass', 'fail', 'not_reached']),
  /** The exit taken, for a failure. */
  exit: z.string().optional(),
  reason: z.string().optional(),
  /** What the gate looked at. */
  inputs: evidence.optional(),
  at: instant.optional(),
  duration_ms: z.number().optional(),
});

const NearestChangeSchema = z.strictObject({
  gate,
  /** The exit that would not have been taken; absent when the change would have stopped what passed. */
  exit: z.string().optional(),
  text: z.string(),
  /** Name of the number or the state that decided. */
  what: z.string(),
  is: z.union([z.number(), z.string()]).optional(),
  needed: z.union([z.number(), z.string()]).optional(),
  /** From when on the gate lets such an event on if nothing else happens. */
  at: instant.optional(),
});

const VoteSchema = z.strictObject({
  voter: z.string(),
  zone: z.string(),
  verdict: z.enum(['yes', 'no']),
  duration_ms: z.number(),
  checks: z.array(
    z.strictObject({
      check: z.string(),
      verdict: z.enum(['pass', 'fail']),
      reason: z.string().optional(),
      inputs: evidence.optional(),
      duration_ms: z.number(),
    }),
  ),
});

/** Why Lazarus did what it did about one event: the shape of `lazarus explain -o json` and `GET /v1/explanations/{id}`. */
export const ExplanationSchema = z.strictObject({
  event_id: z.string(),
  decision_id: z.string().optional(),
  about: z.strictObject({
    event_type: z.string(),
    source: z.string(),
    region: z.string(),
    environment: z.string(),
    service: z.string(),
    host: z.string().optional(),
  }),
  decision: z.looseObject({ kind: z.enum(['remediate', 'escalate', 'notify_only', 'suppress']) }),
  mode: z.enum(['off', 'notify', 'act']),
  rule: z.strictObject({ name: z.string(), digest: z.string(), why: z.string().optional() }).optional(),
  config_digest: z.string().optional(),
  /** All rungs of the ladder, in order; of an event that was delivered again, those of both walks. */
  chain: z.array(ChainLinkSchema),
  votes: z
    .strictObject({
      yes: z.int(),
      required: z.int(),
      members: z.int(),
      cast: z.array(VoteSchema),
      voided: z.array(
        z.strictObject({ voter: z.string(), reason: z.string(), detail: z.string().optional() }),
      ),
      /** Members that said nothing until the end. */
      silent: z.array(z.string()),
    })
    .optional(),
  timings: z.strictObject({
    /** How old the event was when it arrived; absent when it has no time. */
    event_age_ms: z.number().optional(),
    received_at: instant,
    decided_at: instant,
    total_ms: z.number(),
    slowest_gate: gate.optional(),
  }),
  page: z.strictObject({ incident_key: z.string().optional(), action: z.string(), detail: z.string() }),
  /** The nearest change that would have flipped the outcome; null when no gate was walked. */
  nearest_change: NearestChangeSchema.nullable(),
});

/** Why Lazarus did what it did about one event, as data. */
export type Explanation = z.output<typeof ExplanationSchema>;
