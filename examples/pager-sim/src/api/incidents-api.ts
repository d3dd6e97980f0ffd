import type { Hono } from 'hono';
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { acknowledge, annotate, escalate, HIGHEST_LEVEL, resolve } from '../incidents/incident.ts';
import type { Agent, Incident, Note } from '../incidents/incident.ts';
import { ApiError, invalidInput, notFound, parseBody, rateLimited } from './api-error.ts';
import { incidentJson, logJson, noteJson } from './incident-json.ts';
import { perform } from './operation.ts';
import type { ApiContext, ApiEnvironment, ApiParts } from './operation.ts';
import type { Operation } from './fault.ts';
import { countRequest } from './rate-limiter.ts';
import type { RateWindow } from './rate-limiter.ts';

const MAX_INCIDENTS_PER_CALL = 250;
const STATUSES = ['triggered', 'acknowledged', 'resolved'] as const;

const change = z.object({
  type: z.enum(['incident', 'incident_reference']),
  status: z.enum(['acknowledged', 'resolved']).optional(),
  resolution: z.string().optional(),
  escalation_level: z.number().int().min(1).max(HIGHEST_LEVEL).optional(),
  title: z.string().min(1).optional(),
  urgency: z.enum(['high', 'low']).optional(),
});
type Change = z.output<typeof change>;
const changeOfOne = z.object({ incident: change });
const changeOfMany = z.object({ incidents: z.array(change.extend({ id: z.string() })).min(1) });
const newNote = z.object({ note: z.object({ content: z.string().min(1) }) });

type Handler = (context: ApiContext) => Promise<Response>;

/** The REST API v2: find, acknowledge, resolve and escalate incidents, read and write their notes and logs. */
export function addIncidentsApi(app: Hono<ApiEnvironment>, parts: ApiParts): void {
  const { book, faults, options, endpoint } = parts;
  const windows = new Map<string, RateWindow>();
  const shown = (incident: Incident) => incidentJson(incident, endpoint());

  const guarded =
    (operation: Operation, handle: Handler) =>
    (context: ApiContext): Promise<Response> =>
      perform(context, faults, operation, async () => {
        limit(context, authenticate(context, options.token), options.restLimit, windows);
        return handle(context);
      });
  const incidentOf = (context: ApiContext): Incident => {
    const found = book.list().find(({ id }) => id === context.req.param('id'));
    if (found === undefined) throw notFound();
    return found;
  };

  app.get(
    '/incidents',
    guarded('list_incidents', async (context) => {
      const matching = select(context, book.list());
      const { page, ...place } = cutPage(context, matching);
      return context.json({ incidents: page.map(shown), ...place });
    }),
  );
  app.get(
    '/incidents/:id',
    guarded('get_incident', async (context) => context.json({ incident: shown(incidentOf(context)) })),
  );
  app.put(
    '/incidents/:id',
    guarded('update_incident', async (context) => {
      const by = requester(context);
      const { incident: wanted } = parseBody(await context.req.text(), changeOfOne);
      const changed = applyChange(incidentOf(context), wanted, by, Date.now());
      book.replace([changed]);
      return context.json({ incident: shown(changed) });
    }),
  );
  app.put(
    '/incidents',
    guarded('update_incidents', async (context) => {
      const by = requester(context);
      const { incidents } = parseBody(await context.req.text(), changeOfMany);
      if (incidents.length > MAX_INCIDENTS_PER_CALL)
        throw new ApiError(413, 2001, 'Request Entity Too Large');
      // All of them are judged before the first one changes.
      const changed = incidents.map(({ id, ...wanted }) => {
        const incident = book.list().find((each) => each.id === id);
        if (incident === undefined) throw notFound();
        return applyChange(incident, wanted, by, Date.now());
      });
      book.replace(changed);
      return context.json({ incidents: changed.map(shown) });
    }),
  );
  app.post(
    '/incidents/:id/notes',
    guarded('create_note', async (context) => {
      const by = requester(context);
      const { note: wanted } = parseBody(await context.req.text(), newNote);
      const note = makeNote(wanted.content, by, Date.now());
      book.replace([annotate(incidentOf(context), note, by)]);
      return context.json({ note: noteJson(note) });
    }),
  );
  app.get(
    '/incidents/:id/notes',
    guarded('list_notes', async (context) =>
      context.json({ notes: incidentOf(context).notes.map(noteJson) }),
    ),
  );
  app.get(
    '/incidents/:id/log_entries',
    guarded('list_log_entries', async (context) => {
      const { page, ...place } = cutPage(context, logJson(incidentOf(context)));
      return context.json({ log_entries: page, ...place });
    }),
  );
}

/** The token of the request. */
function authenticate(context: ApiContext, accepted: string | undefined): string {
  const token = /^Token token=(\S+)$/.exec(context.req.header('authorization') ?? '')?.[1];
  if (token === undefined || (accepted !== undefined && token !== accepted)) {
    throw new ApiError(401, 2006, 'Authentication failed', [
      'The header Authorization must be: Token token=<key>',
    ]);
  }
  return token;
}

function limit(
  context: ApiContext,
  token: string,
  options: ApiParts['options']['restLimit'],
  windows: Map<string, RateWindow>,
): void {
  const { window, verdict } = countRequest(windows.get(token), options, Date.now());
  windows.set(token, window);
  context.header('ratelimit-limit', String(verdict.limit));
  context.header('ratelimit-remaining', String(verdict.remaining));
  context.header('ratelimit-reset', String(verdict.resetSeconds));
  if (!verdict.isAllowed) throw rateLimited();
}

/** Who makes the change: the API wants the address of a user in the header From. */
function requester(context: ApiContext): Agent {
  const from = context.req.header('from') ?? '';
  if (!/^[^@\s]+@[^@\s]+$/.test(from))
    throw invalidInput('Requester User Not Found: the header From must be the email address of a user');
  return { name: from, channel: 'api' };
}

function select(context: ApiContext, incidents: readonly Incident[]): Incident[] {
  const key = context.req.query('incident_key');
  const wanted = [...(context.req.queries('statuses[]') ?? []), ...(context.req.queries('statuses') ?? [])];
  const unknown = wanted.find((status) => !STATUSES.some((each) => each === status));
  if (unknown !== undefined)
    throw invalidInput(`statuses: '${unknown}' is not one of ${STATUSES.join(', ')}`);
  return incidents.filter(
    (incident) =>
      (key === undefined || incident.key === key) &&
      (wanted.length === 0 || wanted.includes(incident.status)),
  );
}

function cutPage<T>(
  context: ApiContext,
  items: readonly T[],
): { page: T[]; limit: number; offset: number; more: boolean } {
  const number = (name: string, fallback: number, max: number): number => {
    const text = context.req.query(name);
    if (text === undefined) return fallback;
    if (!/^\d{1,6}$/.test(text) || Number(text) > max)
      throw invalidInput(`${name}: must be a number up to ${max}`);
    return Number(text);
  };
  const size = number('limit', 25, 100);
  const offset = number('offset', 0, 10_000);
  return {
    page: items.slice(offset, offset + size),
    limit: size,
    offset,
    more: offset + size < items.length,
  };
}

function applyChange(incident: Incident, wanted: Change, by: Agent, nowMs: number): Incident {
  let changed: Incident = {
    ...incident,
    ...(wanted.title !== undefined && { title: wanted.title }),
    ...(wanted.urgency !== undefined && { urgency: wanted.urgency }),
  };
  if (wanted.escalation_level !== undefined) {
    if (incident.status === 'resolved')
      throw invalidInput('Incident Already Resolved: it cannot be escalated');
    changed = escalate(changed, wanted.escalation_level, by, nowMs);
  }
  if (wanted.status === 'acknowledged') changed = acknowledge(changed, by, nowMs);
  if (wanted.status === 'resolved') changed = resolve(changed, by, nowMs);
  if (wanted.resolution !== undefined && wanted.status === 'resolved') {
    changed = annotate(changed, makeNote(`Resolution: ${wanted.resolution}`, by, nowMs), by);
  }
  return changed;
}

function makeNote(content: string, by: Agent, atMs: number): Note {
  return { id: `N${randomBytes(6).toString('hex').toUpperCase()}`, atMs, by: by.name, content };
}
