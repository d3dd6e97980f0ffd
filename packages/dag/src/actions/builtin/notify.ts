import { z } from 'zod';
import { defineAction } from '../action.ts';
import { requiredPort } from '../required-port.ts';

/** Tells people. Repeating it tells them twice at worst. */
export const notifySend = defineAction({
  name: 'notify.send',
  version: 1,
  summary: 'Sends a notification to the group of the rule, or to the one that is named.',
  input: z.strictObject({
    text: z.string().min(1),
    group: z.string().min(1).nullable().optional(),
    /** @defaultValue notify_only */
    kind: z
      .enum(['acknowledged', 'resolved', 'escalated', 'notify_only', 'would_have_remediated', 'alarm'])
      .default('notify_only'),
  }),
  output: z.strictObject({ sent: z.boolean() }),
  requires: ['notifier'],
  touches: 'nothing',
  idempotent: true,
  dry: (input, { run }) => ({
    summary: `tells ${input.group ?? run.notificationGroup ?? 'nobody'}: ${input.text}`,
    changes: {},
  }),
  run: async (input, context) => {
    const { run } = context;
    const group = input.group ?? run.notificationGroup;
    if (group === undefined) return { sent: false };
    const text = input.text.replaceAll(/\s+/g, ' ').slice(0, 1_000);
    await requiredPort(context, 'notifier').send(
      { kind: input.kind, group, service: run.service, decisionId: run.runId, text },
      { signal: context.signal },
    );
    return { sent: true };
  },
});
