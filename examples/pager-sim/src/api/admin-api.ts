import { Hono } from 'hono';
import { z } from 'zod';
import { acknowledge, assigneeOf, resolve } from '../incidents/incident.ts';
import type { Incident } from '../incidents/incident.ts';
import { incidentJson, logJson, noteJson } from './incident-json.ts';
import type { ApiParts } from './operation.ts';

const person = z.strictObject({ by: z.string().min(1).default('a person on call') });

/** The levers behind the scenes, under `/_sim/`. */
export function adminApi({ book, faults, endpoint }: ApiParts): Hono {
  const api = new Hono();
  const whole = (incident: Incident) => ({
    ...incidentJson(incident, endpoint()),
    assigned_to: incident.status === 'resolved' ? null : assigneeOf(incident),
    notes: incident.notes.map(noteJson),
    log: logJson(incident).toReversed(),
  });
  api.onError((error, context) => {
    if (error instanceof z.ZodError) return context.json({ error: z.prettifyError(error) }, 400);
    if (error instanceof SyntaxError)
      return context.json({ error: `the body is not JSON: ${error.message}` }, 400);
    return context.json({ error: error.message }, 500);
  });
  api.get('/incidents', (context) => context.json({ incidents: book.list().map(whole) }));
  api.get('/calls', (context) => context.json({ counts: faults.calls() }));
  api.get('/faults', (context) => context.json({ faults: faults.list() }));
  api.post('/faults', async (context) => context.json(faults.add(JSON.parse(await context.req.text())), 201));
  api.delete('/faults', (context) => {
    faults.clear();
    return context.json({ faults: [] });
  });
  // What a person would do on the phone.
  for (const [verb, act] of [
    ['acknowledge', acknowledge],
    ['resolve', resolve],
  ] as const) {
    api.post(`/incidents/:key/${verb}`, async (context) => {
      const incident = book.find(context.req.param('key'));
      if (incident === undefined) return context.json({ error: `no open incident has this id or key` }, 404);
      const text = await context.req.text();
      const { by } = person.parse(text.trim() === '' ? {} : JSON.parse(text));
      const changed = act(incident, { name: by, channel: 'human' }, Date.now());
      book.replace([changed]);
      return context.json(whole(changed));
    });
  }
  return api;
}
