import { z } from 'zod';
import { DurationSchema } from '../documents/duration.ts';

/** Names of rules, profiles and parameters: letters, digits, `_`, `.` and `-`. */
export const NameSchema = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/,
    'expected a name of letters, digits, _ . - that starts with a letter',
  );

/** Version of the document's form; both spellings mean the only one there is. */
export const ApiVersionSchema = z.enum(['lazarus/v1', 'lazarus.dev/v1']);

/** off | notify | act. */
export const ModeSchema = z.enum(['off', 'notify', 'act']);

/** Share of the known hosts or services: above 0, at most 1. */
export const FractionSchema = z.number().gt(0).max(1);

/** How many yes votes are needed, and how long they may take. A bare number is `required`. */
export const QuorumSchema = z.union([
  z.int().min(1).max(99),
  z.strictObject({ required: z.int().min(1).max(99).optional(), timeout: DurationSchema.optional() }),
]);

/** One precheck of a rule. */
const PrecheckSchema = z.strictObject({
  /** Name of a precondition, or an alias of it. */
  checkName: z.string().min(1),
  /** Value of the check's main parameter when neither service nor profile gives one. */
  default: z.json().optional(),
  /** Longest time the check may take; what takes longer has failed. */
  timeout: DurationSchema.optional(),
  /** Further parameters of the check. */
  params: z.record(z.string(), z.json()).optional(),
});

/** Which workflow runs, and how. */
const RuleWorkflowSchema = z.strictObject({
  name: z.string().min(1),
  /** Longest time of the whole run. */
  workflow_timeout: DurationSchema.optional(),
  /** As in the plain form of the post; the same as on the rule itself. */
  notification_group: z.string().min(1).optional(),
  inputs: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

/**
 * A rule as it is written: criteria, prechecks, workflow. What is left out comes from the profile, the settings or the
 * defaults.
 *
 * @remarks Source: the Lazarus post ("every rule has three sections") and design, section 6.
 */
export const RuleSchema = z
  .strictObject({
    apiVersion: ApiVersionSchema.optional(),
    name: NameSchema,
    description: z.string().max(1024).default(''),
    /** Of several rules that match, the one with the highest priority wins. */
    priority: z.int().min(-1000).max(1000).default(0),
    /** Fields of the event, envelope first, then attributes; `pattern` holds a whole event pattern, `where` an expression. */
    criteria: z.record(z.string(), z.json()),
    /** CEL expression that must hold as well. */
    where: z.string().min(1).max(2048).optional(),
    prechecks: z.array(PrecheckSchema).max(50).default([]),
    /** `notify_only`: alert without remediation. */
    action: z.enum(['workflow', 'notify_only']).optional(),
    workflow: RuleWorkflowSchema.optional(),
    lock: z
      .strictObject({
        type: z.enum(['host', 'service']).default('host'),
        on_busy: z.enum(['attach', 'escalate']).default('attach'),
      })
      .prefault({}),
    quorum: QuorumSchema.optional(),
    limits: z
      .strictObject({
        max_entities: z.int().min(1).optional(),
        max_entities_fraction: FractionSchema.optional(),
      })
      .optional(),
    hold_down: DurationSchema.optional(),
    stale_after: DurationSchema.optional(),
    decide_within: DurationSchema.optional(),
    notification_group: z.string().min(1).optional(),
    mode: ModeSchema.optional(),
  })
  .superRefine((rule, context) => {
    const issue = (path: string[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    if (rule.workflow === undefined && rule.action !== 'notify_only') {
      issue(['workflow'], 'found nothing, expected a workflow, or action: notify_only');
    }
    if (rule.workflow !== undefined && rule.action === 'notify_only') {
      issue(['workflow'], 'a rule with action notify_only runs no workflow');
    }
    if (rule.where !== undefined && rule.criteria['where'] !== undefined) {
      issue(['where'], 'found twice, here and under criteria; expected one');
    }
    if (Object.keys(rule.criteria).length === 0)
      issue(['criteria'], 'found no criteria, expected at least one');
    if (rule.notification_group !== undefined && rule.workflow?.notification_group !== undefined) {
      issue(['notification_group'], 'found twice, here and under workflow; expected one');
    }
  });

/** A rule as it was written, checked. */
export type RuleDocument = z.output<typeof RuleSchema>;
