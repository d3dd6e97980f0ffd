import { z } from '@hono/zod-openapi';
import type { DecisionRecord, Issue } from '@lazarus/core';
import type { Controller } from '@lazarus/core/controller';
import type { Endpoint } from '../endpoint.ts';
import { problem } from '../problem.ts';
import { readJson } from '../request.ts';
import { DecisionRecordSchema } from '../wire/decision-schema.ts';
import { DryRunSchema } from '../wire/dry-run-schema.ts';
import { tellDryRun } from './dry-runs.ts';
import type { DryRunPorts } from './dry-runs.ts';

const EventShape = z
  .strictObject({
    id: z.string(),
    event_type: z.string(),
    source: z.string(),
    time: z.iso.datetime({ offset: true }),
    region: z.string(),
    environment: z.string(),
    account: z.string().optional(),
    service: z.string(),
    host: z.string().optional(),
    incident_key: z.string().optional(),
    summary: z.string().optional(),
    attributes: z.record(z.string(), z.unknown()).optional(),
  })
  .openapi('Event');

/** `POST /v1/plan`: what would be decided about an event now. The walk has no effects in scope. Keeps S13. */
export function planEndpoint(
  controller: Pick<Controller, 'plan'>,
  dryRun: DryRunPorts | undefined,
): Endpoint {
  return {
    method: 'post',
    path: '/v1/plan',
    summary: 'What would be decided about an event, with no effect',
    description:
      'Walks the same ladder as a received event, hold-down and ballot included, and changes nothing: no lock, no page, no run, no count. `dry_run` says what the run would do, also when the rule is not in mode `act` or a gate stops the event; it is absent when no rule with a workflow is about the event.',
    body: EventShape,
    answer: {
      mediaType: 'application/json',
      description: 'The record that a decision would have left, and what its run would do',
      schema: DecisionRecordSchema.extend({ dry_run: DryRunSchema.optional() }),
    },
    problems: ['invalid_request', 'too_large', 'unsupported_media_type'],
    handle: async (context) => {
      const body = await readJson(context);
      if (!body.ok) return body.refusal;
      // The first gate decodes: whatever JSON came is judged there, and nowhere else.
      const record = await controller.plan(body.value as Parameters<Controller['plan']>[0], {
        signal: context.req.raw.signal,
      });
      const refused = refusalOf(record);
      if (refused !== undefined) return problem(context, 'invalid_request', refused.message, refused.issues);
      const told = dryRun === undefined ? undefined : tellDryRun(dryRun, record);
      return context.json(told === undefined ? record : { ...record, dry_run: told });
    },
  };
}

function refusalOf({
  decision,
  gates,
}: DecisionRecord): { message: string; issues: readonly Issue[] } | undefined {
  if (decision.kind !== 'escalate' || decision.reason !== 'invalid') return undefined;
  const issues = gates.at(-1)?.evidence.issues;
  return { message: decision.detail, issues: Array.isArray(issues) ? (issues as readonly Issue[]) : [] };
}
