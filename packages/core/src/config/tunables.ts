import { z } from 'zod';
import { DurationSchema } from '../documents/duration.ts';
import { FractionSchema, ModeSchema, QuorumSchema } from '../rules/rule-schema.ts';

/**
 * What can be set for all rules of a service: by the service itself (overrides), by its profile (defaults) and by the
 * settings. Only the mode works differently: there the most cautious of all levels wins.
 */
export const TunablesSchema = z.strictObject({
  mode: ModeSchema.optional(),
  workflow_timeout: DurationSchema.optional(),
  hold_down: DurationSchema.optional(),
  stale_after: DurationSchema.optional(),
  decide_within: DurationSchema.optional(),
  quorum: QuorumSchema.optional(),
  max_entities: z.int().min(1).optional(),
  max_entities_fraction: FractionSchema.optional(),
  notification_group: z.string().min(1).optional(),
});

/** Values of {@link TunablesSchema}; durations are milliseconds. */
export type Tunables = z.output<typeof TunablesSchema>;

/** Name of a value that can be set on every level. */
export type TunableName = keyof Tunables;

/** Names of all tunables. */
export const TUNABLE_NAMES = Object.keys(TunablesSchema.shape) as readonly TunableName[];

/**
 * What holds when no document says otherwise.
 *
 * @remarks Source: `workflow_timeout`, 30 minutes, the 10-minute windows and the quorum of 2 are those of the Lazarus post;
 * `hold_down` (10 s) and `decide_within` (45 s of the pager's 60 s) come from a model of zone partitions; the post does not
 * name the thresholds of limiter (3 entities) and breaker (5 services).
 */
export const DEFAULT_TUNABLES = Object.freeze({
  workflow_timeout: 1_800_000,
  hold_down: 10_000,
  decide_within: 45_000,
  quorum_required: 2,
  quorum_timeout: 20_000,
  max_entities: 3,
});
