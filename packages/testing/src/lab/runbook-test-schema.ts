import { didYouMean, DurationSchema } from '@lazarus/core/documents';
import { EventSchema } from '@lazarus/core';
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
const runStatus = z.enum(['succeeded', 'failed', 'timed_out', 'canceled']);
const actions = z
  .record(name, z.union([reply, z.array(reply).min(1)]))
  .default({})
  .describe('Replies by step or action: one, or one per attempt');

/** A test that expects nothing cannot fail. */
function expectsSomething(then: object): boolean {
  return Object.values(then).some((value) => value !== undefined);
}
const EXPECTS_NOTHING = {
  error: 'expects nothing, so it cannot fail; say at least what the outcome is',
  // Who mistyped a key is told of that alone.
  when: ({ issues }: { readonly issues: readonly unknown[] }) => issues.length === 0,
};

/** What is asked of the calls of a run, whether an event or nobody started it. */
const ofRun = {
  /** How often an action or a step was called, polls and retries included. An empty map: nothing was called. */
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
};

const expectation = z.strictObject({
  outcome: runStatus.optional(),
  page: z.enum(['resolved', 'escalated', 'left_alone']).optional(),
  ...ofRun,
});
const expectedOfWorkflow = expectation.refine(expectsSomething, EXPECTS_NOTHING);

const test = z.strictObject({
  name,
  given: z
    .strictObject({
      /** `happy`: built-in actions that are not mocked answer as if all went well. @defaultValue happy */
      unmocked: z.enum(['fail', 'happy']).default('happy'),
      event: z.record(name, z.json()).default({}),
      inputs: z.record(name, z.json()).default({}),
      actions,
      signals: z
        .array(z.strictObject({ at: DurationSchema, name, payload: z.string().optional() }))
        .default([]),
    })
    .prefault({}),
  then: expectedOfWorkflow,
});

/** A file of tests of one workflow (`*.test.yaml`). */
export const WorkflowTestSchema = z.strictObject({
  /** A shipped workflow by name, or a file beside this one. */
  workflow: name,
  tests: z.array(test).min(1),
});

const answer = z.union([
  z.enum(['pass', 'fail', 'timeout', 'error']),
  z.strictObject({ fail: z.string().min(1) }),
]);
const precheck = z.union([answer, z.record(name, answer)]);

const ENVELOPE = Object.keys(EventSchema.shape);

/** An event with defaults for what is left out; `type` is short for `event_type`, other keys are attributes. */
const event = z.record(name, z.json()).superRefine((value, context) => {
  for (const key of Object.keys(value)) {
    if (key === 'type' || ENVELOPE.includes(key)) continue;
    const hint = didYouMean(key, ENVELOPE);
    if (hint !== undefined)
      context.addIssue({
        code: 'custom',
        path: [key],
        message: `found ${key}, which is no field of an event (${hint}); an attribute of that name goes below attributes`,
      });
  }
});

const health = z.enum(['healthy', 'unhealthy', 'unreachable', 'hangs']);
const healthByNode = z.union([health, z.record(name, health)]);

const host = z.strictObject({
  /** Name that people and sensors use. */
  name,
  /** Id at the provider. @defaultValue the name with `i-` before it */
  id: name.optional(),
  service: name.optional(),
  environment: name.optional(),
  zone: name.optional(),
  state: z.enum(['pending', 'running', 'stopping', 'stopped', 'terminated']).optional(),
  lifecycle: z.enum(['active', 'launching', 'removing', 'forensics']).optional(),
  in_load_balancer: z.boolean().optional(),
  managed: z.boolean().optional(),
  protected: z.boolean().optional(),
  tags: z.record(name, z.string()).optional(),
  /** What probes answer, from every node or by node. */
  health: healthByNode.optional(),
});

const at = { at: DurationSchema.prefault('0s') };
const happening = z.union([
  z.strictObject({ ...at, event, node: name.optional() }),
  z.strictObject({ ...at, same_event: z.literal(true), node: name.optional() }),
  z.strictObject({ ...at, crash: name }),
  z.strictObject({ ...at, restart: name }),
  z.strictObject({ ...at, partition: z.array(z.array(name).min(1)).min(1) }),
  z.strictObject({ ...at, delay: z.strictObject({ from: name, to: name, by: DurationSchema }) }),
  z.strictObject({ ...at, heal: z.literal(true) }),
  z.strictObject({ ...at, lose_lock: z.strictObject({ service: name, host: name.optional() }) }),
  z.strictObject({ ...at, health: z.record(name, healthByNode) }),
  z.strictObject({ ...at, page_taken: name }),
  z.strictObject({
    ...at,
    pause: z.strictObject({ service: name.optional(), reason: name.default('a test') }),
  }),
  z.strictObject({ ...at, resume: z.literal(true) }),
]);

const page = z.enum(['resolved', 'escalated', 'acknowledged', 'open', 'none']);

const would = z
  .array(
    z.union([
      name,
      z.strictObject({
        /** The step, or the action that it uses. */
        step: name,
        /** A part of the sentence in which the action says what it would do. */
        summary: name.optional(),
        destructive: z.boolean().optional(),
        /** Some of what it would change, as the action says it. */
        changes: z.record(name, z.json()).optional(),
      }),
    ]),
  )
  .describe(
    'Steps that the run of a rule in mode notify would take, in this order; none: it would do nothing',
  );

const outcome = {
  outcome: z.enum(['remediated', 'escalated', 'notified', 'suppressed', 'undecided']).optional(),
  /** Gate, exit or precheck that kept the event from being remediated. */
  blocked_by: name.optional(),
  rule: name.optional(),
  /** Yes votes of all members. */
  votes: z
    .string()
    .regex(/^\d+\/\d+$/, 'expected votes such as 2/3')
    .optional(),
  /** The page of the event in the end: `open` is nobody's yet, `none` was never opened. */
  page: page.optional(),
  would: would.optional(),
};

const regionTest = z.strictObject({
  name,
  given: z
    .strictObject({
      /** What prechecks say, on every node or by node; the others look at the fleet of the lab. */
      prechecks: z.record(name, precheck).default({}),
      actions,
      hosts: z.array(host).default([]),
      /** `simulate`: built-in actions change the fleet, the pager and the notifier of the lab. @defaultValue simulate */
      unmocked: z.enum(['simulate', 'fail']).default('simulate'),
      start_at: z.iso.datetime({ offset: true }).optional(),
      seed: z.int().min(0).optional(),
    })
    .prefault({}),
  when: z.array(happening).min(1),
  then: z
    .strictObject({
      ...outcome,
      run: runStatus.optional(),
      ...ofRun,
      /** Kinds of the notifications that were sent, among others. */
      notified: z.array(name).optional(),
      /** What came of further events, by their id: `event-2` is the second one. */
      events: z.record(name, z.strictObject(outcome)).optional(),
    })
    .refine(expectsSomething, EXPECTS_NOTHING),
});

/** A file of tests of rules: from the event to the end of the run, with votes. */
export const RegionTestSchema = z.strictObject({
  /** Files and folders beside this one: rules, profiles, services, workflows, settings. */
  rules: z.array(name).min(1),
  /** @defaultValue a, b and c in us-east-1a, us-east-1b and us-east-1c */
  nodes: z
    .array(z.strictObject({ id: name, zone: name }))
    .min(1)
    .max(9)
    .optional(),
  tests: z.array(regionTest).min(1),
});

/** Any file of runbook tests; for editors. A file with `rules` is checked as one, every other one as tests of a workflow. */
export const RunbookTestSchema = z.union([WorkflowTestSchema, RegionTestSchema]);

/** One test of a workflow as it is written. */
export type RunbookTest = z.output<typeof test>;

/** What is expected of a run. */
export type RunExpectation = Pick<z.output<typeof expectation>, keyof typeof ofRun>;

/** One test of rules as it is written. */
export type RegionTest = z.output<typeof regionTest>;

/** What is expected of one event. */
export type EventExpectation = Pick<RegionTest['then'], keyof typeof outcome>;

/** What is expected of the run that a rule in mode `notify` would have started. */
export type WouldExpectation = z.output<typeof would>;

/** Something that happens in a test of rules. */
export type Happening = z.output<typeof happening>;
