import { z } from '@hono/zod-openapi';
import type { Rollouts } from '@lazarus/core/config';
import type { Endpoint } from '../endpoint.ts';
import { problem } from '../problem.ts';
import { readBody } from '../request.ts';

const RolloutSchema = z
  .object({
    profile: z.string(),
    status: z.enum(['rolling', 'stopped', 'done', 'rolled_back']),
    /** The wave in force, from 1. */
    wave: z.int().min(1),
    waves: z.int().min(1),
    /** Services that have the edit, and all that subscribe. */
    services: z.object({ reached: z.int(), total: z.int() }),
    /** What ended for services that have the edit, within the window. */
    outcomes: z.object({ total: z.int(), failed: z.int() }),
    since: z.iso.datetime(),
    because: z.string(),
  })
  .openapi('Rollout');

const text = (max: number) => z.string().trim().min(1).max(max);
const RolloutAction = z
  .strictObject({ action: z.enum(['stop', 'resume', 'roll_back']), author: text(128), reason: text(512) })
  .openapi('RolloutAction');

/** `GET /v1/rollouts` and `POST /v1/rollouts/{profile}`: edits of profiles on their way to their subscribers. */
export function rolloutEndpoints(rollouts: Pick<Rollouts, 'list' | 'act'>): readonly Endpoint[] {
  return [
    {
      method: 'get',
      path: '/v1/rollouts',
      summary: 'Edits of profiles that have not reached all their services yet',
      answer: {
        mediaType: 'application/json',
        description: 'Every rollout that is not over',
        schema: z.object({ rollouts: z.array(RolloutSchema) }),
      },
      problems: ['unavailable'],
      handle: async (context) => context.json({ rollouts: await rollouts.list() }),
    },
    {
      method: 'post',
      path: '/v1/rollouts/{profile}',
      summary: 'Stop, resume or roll back the rollout of a profile',
      description:
        'A rollout that stopped by itself goes on after `resume`, and counts afresh. After `roll_back` every service has what it had before the edit; the next edit begins a new rollout.',
      parameters: z.object({ profile: z.string() }),
      body: RolloutAction,
      answer: {
        mediaType: 'application/json',
        description: 'What is not over now',
        schema: z.object({ rollouts: z.array(RolloutSchema) }),
      },
      problems: ['invalid_request', 'unsupported_media_type', 'not_found', 'unavailable'],
      handle: async (context) => {
        const body = await readBody(context, RolloutAction);
        if (!body.ok) return body.refusal;
        const { action, ...by } = body.value;
        const profile = context.req.param('profile') ?? '';
        if (await rollouts.act(profile, action, by)) return context.json({ rollouts: await rollouts.list() });
        const message = `no rollout of profile ${profile} can be ${PARTICIPLES[action]} now`;
        return problem(context, 'not_found', message);
      },
    },
  ];
}

const PARTICIPLES = { stop: 'stopped', resume: 'resumed', roll_back: 'rolled back' } as const;
