import { z } from 'zod';
import { TunablesSchema } from '../config/tunables.ts';
import { RolloutSchema } from '../rollout/rollout-schema.ts';
import { ApiVersionSchema, NameSchema } from '../rules/rule-schema.ts';
import { ParameterSchema } from './parameter.ts';

/** Names of parameters, as they stand in the overrides of a service. */
const ParameterNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}$/, 'expected lower case letters, digits and _');

/**
 * A profile: a packaged set of rules with typed parameters. The rules are templates: `{ $param: name }` stands for the
 * value of a parameter, and what a template leaves out comes from the defaults. Editing a profile reaches every service
 * that subscribes to it.
 */
export const ProfileSchema = z.strictObject({
  apiVersion: ApiVersionSchema.optional(),
  profile: NameSchema,
  description: z.string().max(1024).default(''),
  parameters: z.record(ParameterNameSchema, ParameterSchema).default({}),
  defaults: TunablesSchema.prefault({}),
  /** How an edit of this profile reaches its subscribers; without it, all of them at once. */
  rollout: RolloutSchema.optional(),
  /** Sections that every rule of the profile has unless it brings its own. */
  common: z
    .strictObject({ prechecks: z.array(z.json()), lock: z.json(), workflow: z.json(), quorum: z.json() })
    .partial()
    .default({}),
  /** Templates of rules; the effective rule is called `<profile>.<name>`. Checked once their parameters are filled in. */
  rules: z
    .array(z.looseObject({ name: NameSchema }))
    .min(1)
    .max(100),
});

/** A profile as it was written, checked. */
export type ProfileDocument = z.output<typeof ProfileSchema>;
