import { z } from 'zod';
import { DurationSchema } from '../documents/duration.ts';
import { ApiVersionSchema, FractionSchema, ModeSchema } from '../rules/rule-schema.ts';
import { TunablesSchema } from './tunables.ts';

const modes = z.record(z.string().min(1), ModeSchema);

/** Settings of a region's configuration: defaults for every rule, modes by place, thresholds of the region's breaker. */
export const SettingsSchema = z.strictObject({
  apiVersion: ApiVersionSchema.optional(),
  /** The mode of everything; with the modes below, the most cautious one wins. */
  mode: ModeSchema.optional(),
  modes: z.strictObject({ environments: modes.default({}), regions: modes.default({}) }).prefault({}),
  /** Used where neither service, profile nor rule gives a value. */
  defaults: TunablesSchema.omit({ mode: true }).prefault({}),
  /** Values for the main parameter of a check, by its name, where neither service, profile nor rule gives one. */
  prechecks: z.record(z.string(), z.json()).default({}),
  /** Age at which events no longer act, by event type. */
  stale_after: z.record(z.string(), DurationSchema).default({}),
  /**
   * The region's circuit breaker: unique failing services in a rolling window. The limiter of each service counts its
   * failing entities over the same window.
   */
  breaker: z
    .strictObject({
      max_services: z.int().min(1).default(5),
      max_services_fraction: FractionSchema.optional(),
      window: DurationSchema.prefault('10m'),
      /** Closes again below this number of services. */
      close_below: z.int().min(1).optional(),
      /** Stays open at least this long. */
      min_open: DurationSchema.prefault('2m'),
    })
    .refine((breaker) => (breaker.close_below ?? 1) <= breaker.max_services, {
      path: ['close_below'],
      error: 'expected at most max_services, otherwise it would close above its threshold',
    })
    .prefault({}),
  /**
   * What the pager is set to, for the linter.
   *
   * @remarks Source: PagerDuty; an acknowledgement ends after 1800 s by default, and a first level with more than one target
   * cannot escalate after less than 5 minutes.
   */
  pager: z
    .strictObject({
      acknowledgement_timeout: DurationSchema.prefault('30m'),
      escalation_timeout: DurationSchema.prefault('60s'),
      first_level_targets: z.int().min(1).default(1),
      /** Whether a run renews its acknowledgement while it works. */
      re_acknowledge: z.boolean().default(true),
    })
    .prefault({}),
});

/** Settings with defaults; durations are milliseconds. */
export type SettingsDocument = z.output<typeof SettingsSchema>;
