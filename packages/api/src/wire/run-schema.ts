import { z } from '@hono/zod-openapi';
import type { RunView } from '@lazarus/core/ports';

const StepSchema = z
  .object({
    step: z.string(),
    uses: z.string(),
    status: z.enum(['waiting', 'running', 'succeeded', 'failed', 'skipped', 'compensated', 'unknown']),
    attempts: z.int(),
    started_at: z.iso.datetime().optional(),
    ended_at: z.iso.datetime().optional(),
    output: z.unknown().optional(),
    error: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }).optional(),
    idempotency_key: z.string(),
  })
  .openapi('Step');

/** One execution of a workflow, as `GET /v1/runs/{id}` shows it. For documents: what is sent is the view itself. */
export const RunSchema = z
  .object({
    run_id: z.string(),
    workflow: z.string(),
    definition_digest: z.string(),
    service: z.string(),
    host_id: z.string().optional(),
    incident_key: z.string().optional(),
    status: z.enum(['running', 'succeeded', 'failed', 'timed_out', 'canceled']),
    page: z.enum(['resolved', 'escalated', 'left_alone']).optional(),
    started_at: z.iso.datetime(),
    ended_at: z.iso.datetime().optional(),
    deadline_at: z.iso.datetime(),
    outputs: z.record(z.string(), z.unknown()),
    error: z.object({ step: z.string().optional(), code: z.string(), message: z.string() }).optional(),
    steps: z.array(StepSchema),
  })
  .openapi('Run');

/** Fields of a run that the schema does not name: must be `never`. */
export type UnnamedRunFields = Exclude<keyof RunView, keyof z.output<typeof RunSchema>>;
