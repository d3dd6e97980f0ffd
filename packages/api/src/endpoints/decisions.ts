import { z } from '@hono/zod-openapi';
import { explainDecision, ExplanationSchema } from '@lazarus/core/controller';
import { describeError, isLazarusError } from '@lazarus/core';
import type { DecisionRecord } from '@lazarus/core';
import type { AuditLog, LateVoteRecord } from '@lazarus/core/ports';
import type { Context } from 'hono';
import type { Endpoint } from '../endpoint.ts';
import { problem } from '../problem.ts';
import { readQuery } from '../request.ts';
import { DecisionRecordSchema } from '../wire/decision-schema.ts';
import { LateVoteSchema } from '../wire/late-vote-schema.ts';

const MAX_PAGE = 1000;

const DecisionsQuery = z.strictObject({
  service: z.string().min(1).optional(),
  host: z.string().min(1).optional(),
  kind: z.enum(['remediate', 'escalate', 'notify_only', 'suppress']).optional(),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(100),
  /** Cursor: `next` of the page before. */
  before: z.string().min(1).optional(),
});

/** `GET /v1/decisions`, `GET /v1/decisions/{id}` and `GET /v1/explanations/{id}`: the records, one of them whole, and why. */
export function decisionEndpoints(
  audit: Pick<AuditLog, 'decisions' | 'find' | 'lateVotes'>,
): readonly Endpoint[] {
  return [
    {
      method: 'get',
      path: '/v1/decisions',
      summary: 'Decisions, newest first',
      description:
        'Give `next` of one page as `before` of the next one. Without `next` there is nothing older.',
      query: DecisionsQuery,
      answer: {
        mediaType: 'application/json',
        description: 'One page of decision records',
        schema: z.object({ decisions: z.array(DecisionRecordSchema), next: z.string().optional() }),
      },
      problems: ['invalid_request', 'unavailable'],
      handle: async (context) => {
        const query = readQuery(context, DecisionsQuery);
        if (!query.ok) return query.refusal;
        const { limit, ...filter } = query.value;
        const decisions = await audit.decisions({ limit, ...defined(filter) });
        const last = decisions.length === limit ? decisions.at(-1) : undefined;
        return context.json({ decisions, ...(last === undefined ? {} : { next: last.event_id }) });
      },
    },
    {
      method: 'get',
      path: '/v1/decisions/{id}',
      summary: 'One decision with every gate, vote and piece of evidence',
      description:
        'The id is an event id (with or without its slashes encoded), a decision id, or a prefix of at least 6 characters that only one of them has.',
      parameters: z.object({ id: z.string() }),
      answer: {
        mediaType: 'application/json',
        description: 'The decision record, with the votes that came when its ballot was over',
        schema: DecisionRecordSchema.extend(withLateVotes),
      },
      problems: ['not_found', 'unavailable'],
      handle: async (context) => {
        const record = await audit.find(idOf(context));
        return record === undefined
          ? unknownId(context)
          : context.json({ ...record, ...(await lateVotesOf(audit, record)) });
      },
    },
    {
      method: 'get',
      path: '/v1/explanations/{id}',
      summary: 'Why: the whole chain, and the nearest change that would have flipped the outcome',
      description: 'Made from the record of the decision. The id is one that `/v1/decisions/{id}` takes.',
      parameters: z.object({ id: z.string() }),
      answer: {
        mediaType: 'application/json',
        description: 'The explanation',
        schema: ExplanationSchema.extend(withLateVotes),
      },
      problems: ['not_found', 'unavailable'],
      handle: async (context) => {
        const record = await audit.find(idOf(context));
        return record === undefined
          ? unknownId(context)
          : context.json({ ...explainDecision(record), ...(await lateVotesOf(audit, record)) });
      },
    },
  ];
}

const withLateVotes = {
  late_votes: z.array(LateVoteSchema).optional(),
  /** Why they could not be read. */
  late_votes_problem: z.string().optional(),
};

/** Votes that counted for nothing because they came too late, or why they are not known; nothing when there are none. */
interface LateVotes {
  readonly late_votes?: readonly LateVoteRecord[];
  readonly late_votes_problem?: string;
}

/** Never throws: they are an extra, and the decision is shown without them. */
async function lateVotesOf(
  audit: Pick<AuditLog, 'lateVotes'>,
  { decision_id: id }: DecisionRecord,
): Promise<LateVotes> {
  if (id === undefined) return {};
  try {
    const late = (await audit.lateVotes?.(id)) ?? [];
    return late.length === 0 ? {} : { late_votes: late };
  } catch (error) {
    return { late_votes_problem: problemText(error) };
  }
}

/** One line. Only what Lazarus itself says goes out: other errors may hold paths and addresses. */
function problemText(error: unknown): string {
  return isLazarusError(error) ? (describeError(error).split('\n')[0] ?? '') : 'they could not be read';
}

/** The id of a path; it takes the rest of the path. */
export const idOf = (context: Context): string => context.req.param('id') ?? '';

/** The answer for an id that no decision has. */
export function unknownId(context: Context): Response {
  const message = `no decision has the id ${idOf(context)}, or several begin with it (give at least 6 characters)`;
  return problem(context, 'not_found', message);
}

/** The entries that have a value; an absent filter and an undefined one are not the same to the audit log. */
function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as never;
}
