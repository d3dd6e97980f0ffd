import type { Hono } from 'hono';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { acknowledge, resolve, triggerAgain } from '../incidents/incident.ts';
import type { Agent } from '../incidents/incident.ts';
import type { IncidentBook } from '../incidents/incident-book.ts';
import { perform } from './operation.ts';
import type { ApiContext, ApiEnvironment, ApiParts } from './operation.ts';
import { countRequest } from './rate-limiter.ts';
import type { RateWindow } from './rate-limiter.ts';

const MAX_BODY_BYTES = 524_288;

const common = {
  routing_key: z.string().length(32, 'should be 32 characters'),
  dedup_key: z.string().min(1).max(255),
};
const payload = z.object({
  summary: z.string().min(1).max(1_024),
  source: z.string().min(1),
  severity: z.enum(['critical', 'error', 'warning', 'info']),
  timestamp: z.string().optional(),
  component: z.string().optional(),
  group: z.string().optional(),
  class: z.string().optional(),
  custom_details: z.unknown().optional(),
});
const event = z.discriminatedUnion('event_action', [
  z.object({
    ...common,
    event_action: z.literal('trigger'),
    dedup_key: common.dedup_key.optional(),
    payload,
  }),
  z.object({ ...common, event_action: z.literal('acknowledge') }),
  z.object({ ...common, event_action: z.literal('resolve') }),
]);
type PagerEvent = z.output<typeof event>;

/** `POST /v2/enqueue`: opens, acknowledges and resolves incidents by dedup key. */
export function addEventsApi(app: Hono<ApiEnvironment>, { book, faults, options }: ApiParts): void {
  const windows = new Map<string, RateWindow>();
  app.post('/v2/enqueue', (context) =>
    perform(context, faults, 'enqueue', async () => {
      const text = await context.req.text();
      if (Buffer.byteLength(text) > MAX_BODY_BYTES) return context.json({ status: 'event too large' }, 413);
      const parsed = readEvent(text);
      if ('errors' in parsed) {
        return context.json(
          { status: 'invalid event', message: 'Event object is invalid', errors: parsed.errors },
          400,
        );
      }
      const { window, verdict } = countRequest(
        windows.get(parsed.routing_key),
        options.eventsLimit,
        Date.now(),
      );
      windows.set(parsed.routing_key, window);
      if (!verdict.isAllowed) return throttled(context, verdict.resetSeconds);
      const key = parsed.dedup_key ?? randomUUID().replaceAll('-', '');
      apply(parsed, key, book);
      return context.json({ status: 'success', message: 'Event processed', dedup_key: key }, 202);
    }),
  );
}

function throttled(context: ApiContext, resetSeconds: number): Response {
  context.header('ratelimit-reset', String(resetSeconds));
  return context.json(
    { status: 'throttle exceeded', message: 'Requests for this service are arriving too quickly.' },
    429,
  );
}

function readEvent(text: string): PagerEvent | { errors: string[] } {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { errors: ['The body is not JSON'] };
  }
  const parsed = event.safeParse(body);
  if (parsed.success) return parsed.data;
  return {
    errors: parsed.error.issues.map(({ path, message }) => `'${path.join('.') || 'event'}' ${message}`),
  };
}

/** An acknowledge or resolve for a key that has no open incident is accepted and does nothing, as in the real API. */
function apply(parsed: PagerEvent, key: string, book: IncidentBook): void {
  const open = book.open(key);
  const nowMs = Date.now();
  if (parsed.event_action === 'trigger') {
    const by: Agent = { name: parsed.payload.source, channel: 'events' };
    if (open !== undefined) book.replace([triggerAgain(open, by, nowMs)]);
    else
      book.add(
        {
          key,
          title: parsed.payload.summary,
          urgency: urgencyOf(parsed.payload.severity),
          details: parsed.payload,
        },
        by,
      );
    return;
  }
  if (open === undefined) return;
  const by: Agent = { name: 'events api', channel: 'events' };
  book.replace([
    parsed.event_action === 'acknowledge' ? acknowledge(open, by, nowMs) : resolve(open, by, nowMs),
  ]);
}

function urgencyOf(severity: 'critical' | 'error' | 'warning' | 'info'): 'high' | 'low' {
  return severity === 'critical' || severity === 'error' ? 'high' : 'low';
}
