import { WorkflowError } from '@lazarus/core';
import type { PageResult } from '@lazarus/core/ports';
import { z } from 'zod';
import type { ActionContext, DryRun } from '../action.ts';
import { defineAction } from '../action.ts';
import { requiredPort } from '../required-port.ts';

/** `null` when the event names no page: then there is nothing to do. */
const incident = z.string().min(1).nullable();

const output = z.strictObject({
  /** What became of the page: `none` when the event names no page. */
  page: z.enum(['acknowledged', 'resolved', 'escalated', 'taken_by_human', 'not_found', 'none']),
  changed: z.boolean(),
});

type PageOutput = z.output<typeof output>;

const NO_PAGE: PageOutput = { page: 'none', changed: false };

function settled(result: PageResult, done: 'resolved' | 'escalated'): PageOutput {
  if (result.done) return { page: done, changed: result.changed };
  return { page: result.reason === 'already_resolved' ? 'resolved' : result.reason, changed: false };
}

function dryPage(key: string | null, verb: string, status: string): DryRun {
  if (key === null) return { summary: 'touches no page: the event names none', changes: {} };
  return { summary: `${verb} page ${key}`, changes: { incident: key, status } };
}

const touched = (context: ActionContext, why: string): WorkflowError =>
  new WorkflowError({
    code: 'LZ_WORKFLOW_CANCELED',
    message: `step ${context.step} stopped the run: ${why}`,
  });

/**
 * Takes the page for Lazarus. A page that a person took, or that is resolved already, stops the run: a human touch ends
 * automation.
 */
export const pagerAcknowledge = defineAction({
  name: 'pager.acknowledge',
  version: 1,
  summary: 'Acknowledges the page, so that it does not escalate while the run goes on.',
  input: z.strictObject({ incident, note: z.string().optional() }),
  output,
  requires: ['pager'],
  touches: 'nothing',
  idempotent: true,
  dry: (input) => dryPage(input.incident, 'acknowledges', 'acknowledged'),
  run: async (input, context): Promise<PageOutput> => {
    if (input.incident === null) return NO_PAGE;
    const result = await requiredPort(context, 'pager').acknowledge({
      incidentKey: input.incident,
      signal: context.signal,
      ...(input.note === undefined ? {} : { note: input.note }),
    });
    if (result.done) return { page: 'acknowledged', changed: result.changed };
    if (result.reason === 'taken_by_human') throw touched(context, 'a person has taken the page');
    if (result.reason === 'already_resolved') throw touched(context, 'the page is resolved already');
    throw new WorkflowError({
      code: 'LZ_WORKFLOW_STEP_FAILED',
      message: `the pager knows no page with the incident key ${JSON.stringify(input.incident)}`,
    });
  },
});

/** Closes the page after a success. */
export const pagerResolve = defineAction({
  name: 'pager.resolve',
  version: 1,
  summary: 'Resolves the page.',
  input: z.strictObject({ incident, note: z.string().optional() }),
  output,
  requires: ['pager'],
  touches: 'nothing',
  idempotent: true,
  dry: (input) => dryPage(input.incident, 'resolves', 'resolved'),
  run: async (input, context): Promise<PageOutput> => {
    if (input.incident === null) return NO_PAGE;
    const result = await requiredPort(context, 'pager').resolve({
      incidentKey: input.incident,
      signal: context.signal,
      ...(input.note === undefined ? {} : { note: input.note }),
    });
    return settled(result, 'resolved');
  },
});

/** Wakes a human. Keeps S10. */
export const pagerEscalate = defineAction({
  name: 'pager.escalate',
  version: 1,
  summary: 'Hands the page to the next person, with the reason.',
  input: z.strictObject({ incident, reason: z.string() }),
  output,
  requires: ['pager'],
  touches: 'nothing',
  idempotent: true,
  dry: (input) => dryPage(input.incident, 'escalates', 'escalated'),
  run: async (input, context): Promise<PageOutput> => {
    if (input.incident === null) return NO_PAGE;
    const reason = input.reason.slice(0, 500);
    const result = await requiredPort(context, 'pager').escalate({
      incidentKey: input.incident,
      reason,
      note: reason,
      signal: context.signal,
    });
    return settled(result, 'escalated');
  },
});
