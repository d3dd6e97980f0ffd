import { z } from 'zod';
import { DurationSchema } from '../documents/duration.ts';
import { FractionSchema } from '../rules/rule-schema.ts';

/**
 * How an edit of a profile reaches its subscribers: in waves, each a share of the services, with a stop when too much goes
 * wrong. A profile without it reaches all of them at once.
 *
 * @remarks Source: design, profiles; no post or vendor names numbers for this, they are ours: half an hour shows a few
 * failures of a service of the usual size, and one failure in ten is what a person would look at.
 */
export const RolloutSchema = z.strictObject({
  /** Shares of the subscribing services that have the edit, wave by wave; the last one is everybody. */
  waves: z
    .array(FractionSchema)
    .min(1)
    .max(20)
    .refine((waves) => waves.every((share, at) => at === 0 || share > (waves[at - 1] ?? 0)), {
      error: 'expected shares that grow from wave to wave',
    })
    .refine((waves) => waves.at(-1) === 1, { error: 'expected the last wave to be 1, which is everybody' }),
  /** How long a wave is watched by one node before the next one begins. */
  bake: DurationSchema.prefault('30m'),
  /** Share of the outcomes of the services that have the edit which may go wrong; above it the rollout stops. */
  max_error_rate: z.number().min(0).max(1).default(0.1),
  /** Fewer outcomes than this stop the rollout only when so many went wrong that the others cannot make up for it. */
  min_outcomes: z.int().min(1).max(1_000).default(3),
  /** Outcomes older than this are forgotten. */
  window: DurationSchema.prefault('2h'),
});

/** How an edit of a profile is rolled out; durations are milliseconds. */
export type RolloutTerms = z.output<typeof RolloutSchema>;
