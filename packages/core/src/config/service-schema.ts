import { z } from 'zod';
import { ApiVersionSchema, NameSchema } from '../rules/rule-schema.ts';

/** A service opts in: four lines, everything else is generated from the profile. */
export const ServiceSchema = z.strictObject({
  apiVersion: ApiVersionSchema.optional(),
  /** Name of the service as events have it. */
  service: z.string().min(1).max(128),
  /** Who owns it; the notification group unless another one is set. */
  team: z.string().min(1).max(128),
  /** The rules it subscribes to; without one, only rules that stand alone apply. */
  profile: NameSchema.optional(),
  /** Parameters of the profile, values of checks by their name, and what can be set for every rule. */
  overrides: z.record(z.string(), z.json()).default({}),
});

/** A service document, checked. */
export type ServiceDocument = z.output<typeof ServiceSchema>;
