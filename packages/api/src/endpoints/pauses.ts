import { z } from '@hono/zod-openapi';
import type { Controller } from '@lazarus/core/controller';
import { didYouMean, formatDuration, parseDuration } from '@lazarus/core/documents';
import type { Clock, Pause, Pauses } from '@lazarus/core/ports';
import type { Endpoint } from '../endpoint.ts';
import { problem } from '../problem.ts';
import { readBody, readQuery } from '../request.ts';

/** Longest pause, milliseconds: whoever needs more sets it again and says why again. */
export const MAX_PAUSE_MS = 30 * 24 * 3_600_000;

const text = (max: number) => z.string().trim().min(1).max(max);
const ScopeShape = { region: text(64).optional(), service: text(128).optional() };

const PauseRequest = z
  .strictObject({
    /** Neither region nor service: everything. */
    scope: z.strictObject(ScopeShape).default({}),
    author: text(128),
    reason: text(512),
    /** How long, for example `2h`; this or `until`. */
    for: z.string().optional(),
    /** ISO time at which it ends by itself; this or `for`. */
    until: z.iso.datetime({ offset: true }).optional(),
  })
  .openapi('PauseRequest');

const PauseSchema = z
  .object({
    scope: z.object({ region: z.string().optional(), service: z.string().optional() }),
    author: z.string(),
    reason: z.string(),
    since: z.iso.datetime(),
    until: z.iso.datetime().optional(),
  })
  .openapi('Pause');

const ResumeQuery = z.strictObject({ ...ScopeShape, author: text(128), reason: text(512) });

/** What {@link pauseEndpoints} work with. */
interface PausePorts {
  readonly pauses: Pick<Pauses, 'list' | 'set' | 'clear'>;
  readonly clock: Clock;
  readonly controller: Pick<Controller, 'snapshot'>;
}

/**
 * `GET`, `POST` and `DELETE /v1/pauses`: the kill switch, with author, reason and expiry. Keeps S14.
 *
 * @param region - that of the node.
 */
export function pauseEndpoints(ports: PausePorts, region: string): readonly Endpoint[] {
  return [listPauses(ports.pauses), setPause(ports, region), clearPauses(ports.pauses)];
}

function listPauses(pauses: Pick<Pauses, 'list'>): Endpoint {
  return {
    method: 'get',
    path: '/v1/pauses',
    summary: 'Pauses in force',
    answer: {
      mediaType: 'application/json',
      description: 'Every pause in force',
      schema: z.object({ pauses: z.array(PauseSchema) }),
    },
    problems: ['unavailable'],
    handle: async (context) => context.json({ pauses: await pauses.list() }),
  };
}

function setPause({ pauses, clock, controller }: PausePorts, region: string): Endpoint {
  return {
    method: 'post',
    path: '/v1/pauses',
    summary: 'Pause everything, a region or a service',
    description:
      'Author, reason and expiry are required: a pause that nobody ends ends by itself, after 30 days at most. While it lasts events are escalated, never replayed.',
    body: PauseRequest,
    answer: {
      mediaType: 'application/json',
      description:
        'The pause as it is in force; with a `warning` when the node knows nothing of the region or service that it names',
      schema: PauseSchema.extend({ warning: z.string().optional() }),
    },
    problems: ['invalid_request', 'unsupported_media_type', 'unavailable'],
    handle: async (context) => {
      const body = await readBody(context, PauseRequest);
      if (!body.ok) return body.refusal;
      const nowMs = clock.now();
      const expiry = expiryOf(body.value, nowMs);
      if (!expiry.ok) {
        const { path, message } = expiry;
        return problem(context, 'invalid_request', `the body was refused: ${path} ${message}`, [
          { path, message },
        ]);
      }
      const { scope, author, reason } = body.value;
      const pause: Pause = {
        scope: {
          ...(scope.region === undefined ? {} : { region: scope.region }),
          ...(scope.service === undefined ? {} : { service: scope.service }),
        },
        author,
        reason,
        since: new Date(nowMs).toISOString(),
        until: new Date(expiry.untilMs).toISOString(),
      };
      await pauses.set(pause);
      const warning = strangerIn(pause.scope, region, controller.snapshot?.summary.services);
      return context.json(warning === undefined ? pause : { ...pause, warning });
    },
  };
}

function clearPauses(pauses: Pick<Pauses, 'clear'>): Endpoint {
  return {
    method: 'delete',
    path: '/v1/pauses',
    summary: 'End the pauses of exactly this scope',
    description: 'Without region and service it ends the pause of everything, and no other.',
    query: ResumeQuery,
    answer: {
      mediaType: 'application/json',
      description: 'How many pauses ended',
      schema: z.object({ cleared: z.int().min(1) }),
    },
    problems: ['invalid_request', 'not_found', 'unavailable'],
    handle: async (context) => {
      const query = readQuery(context, ResumeQuery);
      if (!query.ok) return query.refusal;
      const { region, service, author, reason } = query.value;
      const scope = {
        ...(region === undefined ? {} : { region }),
        ...(service === undefined ? {} : { service }),
      };
      const cleared = await pauses.clear(scope, { author, reason });
      return cleared === 0
        ? problem(context, 'not_found', 'no pause has exactly this scope')
        : context.json({ cleared });
    },
  };
}

/** A name that is unknown here may be a typing mistake: whoever pauses must not believe in a pause that stops nothing. */
function strangerIn(
  scope: Pause['scope'],
  region: string,
  services: readonly string[] | undefined,
): string | undefined {
  if (scope.region !== undefined && scope.region !== region)
    return `this node acts in ${region}, not in ${scope.region}: it goes on`;
  if (scope.service === undefined || services === undefined || services.includes(scope.service))
    return undefined;
  const hint = didYouMean(scope.service, services);
  return `no document of the configuration names the service ${scope.service}${hint === undefined ? '' : `; ${hint}`}`;
}

type Expiry =
  | { readonly ok: true; readonly untilMs: number }
  | { readonly ok: false; readonly path: 'for' | 'until'; readonly message: string };

function expiryOf(request: z.output<typeof PauseRequest>, nowMs: number): Expiry {
  const path = request.for === undefined ? 'until' : 'for';
  const refuse = (message: string): Expiry => ({ ok: false, path, message });
  if ((request.for === undefined) === (request.until === undefined)) {
    return refuse('give an expiry: either for (2h) or until (an ISO time)');
  }
  const durationMs =
    request.for === undefined ? Date.parse(request.until ?? '') - nowMs : parseDuration(request.for);
  if (durationMs === undefined)
    return refuse(`found "${request.for ?? ''}", expected a duration such as 30m or 2h`);
  if (durationMs <= 0) return refuse('lies in the past');
  if (durationMs > MAX_PAUSE_MS) return refuse(`is longer than ${formatDuration(MAX_PAUSE_MS)}`);
  return { ok: true, untilMs: nowMs + durationMs };
}
