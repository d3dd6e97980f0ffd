import { z } from '@hono/zod-openapi';
import type { DryRunView } from '@lazarus/core/ports';

const DryStepSchema = z
  .object({
    step: z.string(),
    uses: z.string(),
    /** 1 for the steps that start at once; equal waves start together. */
    wave: z.int().min(1),
    section: z.literal('finally').optional(),
    destructive: z.boolean(),
    only_if: z.string().optional(),
    summary: z.string(),
    changes: z.record(z.string(), z.unknown()),
    /** Why the step could not be asked. */
    problem: z.string().optional(),
  })
  .openapi('DryStep');

/** What a run would do. For documents: what is sent is the view itself. */
export const DryRunSchema = z
  .object({
    workflow: z.string().optional(),
    rule: z.string().optional(),
    /** The configuration that it is told with. */
    config_digest: z.string().optional(),
    steps: z.array(DryStepSchema),
    /** Why it cannot be told as a whole. */
    problem: z.string().optional(),
  })
  .openapi('DryRun');

/** Fields of a dry run that the schema does not name: must be `never`. */
export type UnnamedDryRunFields = Exclude<keyof DryRunView, keyof z.output<typeof DryRunSchema>>;

/** Fields of one of its steps that the schema does not name: must be `never`. */
export type UnnamedDryStepFields = Exclude<
  keyof DryRunView['steps'][number],
  keyof z.output<typeof DryStepSchema>
>;
