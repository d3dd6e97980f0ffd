import { DurationSchema } from '@lazarus/core/documents';
import { z } from 'zod';

const takes = z.string().optional();
const reply = z.union([
  z.strictObject({ output: z.json(), takes }),
  z.strictObject({
    error: z.strictObject({
      code: z.string().optional(),
      message: z.string().optional(),
      retryable: z.boolean().optional(),
    }),
    takes,
  }),
  z.strictObject({ hangs: z.literal(true) }),
]);

const name = z.string().min(1);
const stepStatus = z.enum(['waiting', 'running', 'succeeded', 'failed', 'skipped', 'compensated', 'unknown']);

const expectation = z.strictObject({
  outcome: z.enum(['succeeded', 'failed', 'timed_out', 'canceled']).optional(),
  page: z.enum(['resolved', 'escalated', 'left_alone']).optional(),
  /** How often an action or a step was called, polls and retries included. */
  calls: z.record(name, z.number().int().min(0)).optional(),
  /** Actions and steps that must not be called. */
  never: z.array(name).optional(),
  /** Steps whose first calls come in this order. */
  order: z.array(name).optional(),
  steps: z.record(name, stepStatus).optional(),
  error: z.strictObject({ step: z.string().optional(), code: z.string().optional() }).optional(),
  outputs: z.record(name, z.json()).optional(),
  /** Longest time from start to end. */
  within: DurationSchema.optional(),
});

const test = z.strictObject({
  name,
  given: z
    .strictObject({
      /** `happy`: built-in actions that are not mocked answer as if all went well. @defaultValue happy */
      unmocked: z.enum(['fail', 'happy']).default('happy'),
      event: z.record(name, z.json()).default({}),
      inputs: z.record(name, z.json()).default({}),
      /** Replies by step or action: one, or one per attempt. */
      actions: z.record(name, z.union([reply, z.array(reply).min(1)])).default({}),
      signals: z
        .array(z.strictObject({ at: DurationSchema, name, payload: z.string().optional() }))
        .default([]),
    })
    .prefault({}),
  then: expectation,
});

/** A file of runbook tests (`*.test.yaml`). */
export const RunbookTestSchema = z.strictObject({
  /** A shipped workflow by name, or a file beside this one. */
  workflow: name,
  tests: z.array(test).min(1),
});

/** One test as it is written. */
export type RunbookTest = z.output<typeof test>;

/** What a test expects. */
export type RunbookExpectation = z.output<typeof expectation>;
