import { DurationSchema, parseDuration } from '@lazarus/core/documents';
import { z } from 'zod';
import { MAX_ATTEMPT_MS } from '../coordinator/limits.ts';

/** Names of steps, inputs and outputs. */
export const ID_PATTERN = /^[a-z][a-z0-9_]{0,62}$/;
const key = z
  .string()
  .regex(ID_PATTERN, 'expected a name of lower-case letters, digits and _, starting with a letter');
/** Words that expressions and YAML read as something else. */
const RESERVED: ReadonlySet<string> = new Set(['true', 'false', 'null', 'in']);
const id = key.refine((name) => !RESERVED.has(name), 'expected another name: this word means something else');

/** `host.clone@1` */
const actionRef = z
  .string()
  .regex(
    /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*@[1-9][0-9]{0,4}$/,
    'expected an action with its version, such as lb.remove@1',
  );

/** Polling more often would only load what is asked. */
const MIN_POLL_MS = 100;

const expression = z.string().min(1).max(1_100);
const DURATION_EXPECTED = 'expected a duration such as 30s or 10m, or an expression';
const durationOrExpression = z
  .string({ error: DURATION_EXPECTED })
  .transform((text, context): number | string => {
    if (/^\$\{\{.*\}\}$/s.test(text)) return text;
    const durationMs = parseDuration(text);
    if (durationMs === undefined) context.addIssue({ code: 'custom', message: DURATION_EXPECTED });
    return durationMs ?? text;
  });

const NONZERO = 'expected a duration of more than 0s';
const period = DurationSchema.refine((durationMs) => durationMs > 0, NONZERO);
const periodOrExpression = durationOrExpression.refine((duration) => duration !== 0, NONZERO);

const errorClass = z.enum(['transient', 'timeout', 'permanent']);

const backoff = z.strictObject({
  /** @defaultValue 1s */
  initial: DurationSchema.optional(),
  /** @defaultValue 2 */
  factor: z.number().min(1).max(10).optional(),
  /** @defaultValue 30s */
  max: DurationSchema.optional(),
  /** `full`: a random part of the delay, so that many runs do not knock at the same time. @defaultValue full */
  jitter: z.enum(['full', 'none']).optional(),
});

const retry = z.strictObject({
  /** 1 means no retry. @defaultValue 3 */
  max_attempts: z.number().int().min(1).max(20).optional(),
  backoff: backoff.optional(),
  /** @defaultValue [transient, timeout] */
  on: z.array(errorClass).min(1).optional(),
});

const outcome = z.enum(['succeeded', 'failed', 'skipped']);
const need = z.union([id, z.strictObject({ step: id, on: z.array(outcome).min(1) })]);

const compensation = z.union([
  z.literal('undo'),
  z.strictObject({ uses: actionRef, with: z.record(key, z.json()).default({}) }),
]);

const step = z.strictObject({
  description: z.string().max(500).optional(),
  /** An action. Exactly one of `uses`, `wait` and `signal`. */
  uses: actionRef.optional(),
  /** Waits on a durable timer. */
  wait: durationOrExpression.optional(),
  /** Waits for a signal with this name; its payload is the output. */
  signal: id.optional(),
  with: z.record(key, z.json()).optional(),
  needs: z.array(need).optional(),
  /** Runs only when this is true; otherwise the step is skipped. */
  when: expression.optional(),
  /** Bounds the step with all its attempts, pauses and polls. */
  timeout: periodOrExpression.optional(),
  /** Bounds one attempt; at most 60 s. */
  attempt_timeout: period
    .refine((durationMs) => durationMs <= MAX_ATTEMPT_MS, 'expected at most 60s; poll for what takes longer')
    .optional(),
  retry: retry.optional(),
  /** Repeats a step that only looks until the condition on its `result` holds. */
  poll: z
    .strictObject({
      every: DurationSchema.refine((durationMs) => durationMs >= MIN_POLL_MS, 'expected at least 100ms'),
      until: expression,
    })
    .optional(),
  /** `$.path` into the result, or an expression over `result`. */
  outputs: z.record(id, expression).optional(),
  compensate: compensation.optional(),
  /** Once this step has begun, errors escalate but nothing is undone. */
  point_of_no_return: z.boolean().optional(),
});

/** One step as it is written. */
export type StepDocument = z.output<typeof step>;

const steps = z.record(id, step);

const input = z.strictObject({
  type: z.enum(['string', 'number', 'integer', 'boolean', 'duration']),
  description: z.string().max(500).optional(),
  /** @defaultValue false */
  required: z.boolean().optional(),
  default: z.union([z.string(), z.number(), z.boolean()]).optional(),
});

/** One declared input as it is written. */
export type InputDocument = z.output<typeof input>;

/**
 * A workflow document, as it is written. Everything has a default but `apiVersion`, `kind`, `metadata` and `steps`.
 *
 * @remarks Source: design, sections 6 and 8.
 */
export const WorkflowDocumentSchema = z.strictObject({
  apiVersion: z.literal('lazarus.dev/v1'),
  kind: z.literal('Workflow'),
  metadata: z.strictObject({
    name: z
      .string()
      .max(200)
      .regex(/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/, 'expected a name such as default.replace_host'),
    version: z.number().int().min(1),
    description: z.string().max(1_000).optional(),
  }),
  inputs: z.record(id, input).default({}),
  timeouts: z
    .strictObject({
      /** @defaultValue 30m */
      workflow: period.optional(),
      /** @defaultValue 2m */
      step: period.optional(),
      /** Budget of compensation, `on_error` and `finally`, each, after the run itself. @defaultValue 3m */
      cleanup: period.optional(),
    })
    .default({}),
  retry: retry.optional(),
  /** The lock that the workflow needs; the rule that starts it must ask for the same. */
  lock: z.strictObject({ scope: z.enum(['host', 'service']) }).default({ scope: 'host' }),
  steps,
  on_error: z
    .strictObject({
      /** @defaultValue reverse_completed */
      compensate: z.enum(['reverse_completed', 'none']).optional(),
      steps,
    })
    .optional(),
  finally: steps.optional(),
  outputs: z.record(id, expression).default({}),
});

/** A workflow as it is written. */
export type WorkflowDocument = z.output<typeof WorkflowDocumentSchema>;
