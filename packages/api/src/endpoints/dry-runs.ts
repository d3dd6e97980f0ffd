import { z } from '@hono/zod-openapi';
import { describeError } from '@lazarus/core';
import type { DecisionRecord } from '@lazarus/core';
import type { AuditLog, DryRuns, DryRunView, Logger } from '@lazarus/core/ports';
import type { Endpoint } from '../endpoint.ts';
import { problem } from '../problem.ts';
import { DryRunSchema } from '../wire/dry-run-schema.ts';
import { idOf, unknownId } from './decisions.ts';

/** What tells dry runs, and where a failure of that is written down. */
export interface DryRunPorts {
  readonly dryRuns: DryRuns;
  readonly log: Logger;
}

/** What the run of a decision would do. That it cannot be told is an answer, too: it must not hide the decision. */
export function tellDryRun({ dryRuns, log }: DryRunPorts, record: DecisionRecord): DryRunView | undefined {
  try {
    return dryRuns.of(record);
  } catch (error) {
    log.warn('what a run would do could not be told', {
      event_id: record.event_id,
      error: describeError(error),
    });
    return { steps: [], problem: 'what a run would do could not be told; the log of the node says why' };
  }
}

/** `GET /v1/dry-runs/{id}`: what the run of a recorded decision would do. Nothing of it is kept in the record. */
export function dryRunEndpoint(audit: Pick<AuditLog, 'find'>, ports: DryRunPorts): Endpoint {
  return {
    method: 'get',
    path: '/v1/dry-runs/{id}',
    summary: 'What a run would do for a recorded decision, step by step',
    description:
      'For decisions in mode `notify` or `off`, and for those that a gate stopped. It is told now and with no effect, from the record and the configuration of its digest; when that is not known any more, from the one in force, which `config_digest` names. The id is one that `/v1/decisions/{id}` takes.',
    parameters: z.object({ id: z.string() }),
    answer: { mediaType: 'application/json', description: 'The steps', schema: DryRunSchema },
    problems: ['not_found', 'unavailable'],
    handle: async (context) => {
      const record = await audit.find(idOf(context));
      if (record === undefined) return unknownId(context);
      const told = tellDryRun(ports, record);
      return told === undefined
        ? problem(context, 'not_found', 'no rule with a workflow is about this event')
        : context.json(told);
    },
  };
}
