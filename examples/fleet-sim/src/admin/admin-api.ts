import { Hono } from 'hono';
import { z } from 'zod';
import type { FaultList } from '../faults/fault.ts';
import { newId } from '../fleet/ids.ts';
import type { InstanceRecord } from '../fleet/instance.ts';
import { viewRegion } from './region-view.ts';
import type { ViewedRegion } from './region-view.ts';

/** What the admin API may do to the region. */
export interface AdminParts extends ViewedRegion {
  readonly faults: FaultList;
  readonly save: () => void;
}

const killOrder = z.strictObject({
  signal: z.enum(['SIGKILL', 'SIGSTOP', 'SIGCONT', 'SIGTERM']).default('SIGKILL'),
});
const ailmentOrder = z.strictObject({ reason: z.string().min(1).default('told to be unhealthy') });
const dependencyOrder = z.strictObject({ healthy: z.boolean() });
const eventOrder = z.strictObject({
  code: z
    .enum(['instance-reboot', 'system-reboot', 'system-maintenance', 'instance-retirement', 'instance-stop'])
    .default('instance-retirement'),
  description: z.string().default('The instance is running on degraded hardware'),
  not_before: z.iso.datetime().optional(),
});

class UnknownHost extends Error {}

/** The levers behind the scenes, under `/_sim/`: what an operator of a real cloud never has. */
export function adminApi(parts: AdminParts): Hono {
  const api = new Hono();
  api.onError((error, context) => {
    if (error instanceof z.ZodError) return context.json({ error: z.prettifyError(error) }, 400);
    if (error instanceof UnknownHost) return context.json({ error: error.message }, 404);
    if (error instanceof SyntaxError)
      return context.json({ error: `the body is not JSON: ${error.message}` }, 400);
    return context.json({ error: error.message }, 500);
  });
  api.get('/state', (context) => context.json(viewRegion(parts)));
  api.get('/calls', (context) =>
    context.json({ counts: parts.calls.counts(), calls: parts.calls.entries() }),
  );
  addDependency(api, parts);
  addFaults(api, parts);
  addHosts(api, parts);
  return api;
}

async function bodyOf<T>(request: { text(): Promise<string> }, schema: z.ZodType<T>): Promise<T> {
  const text = await request.text();
  return schema.parse(text.trim() === '' ? {} : JSON.parse(text));
}

function addDependency(api: Hono, { state, save }: AdminParts): void {
  // Hosts ask this one: the status alone tells.
  api.get('/dependency', (context) =>
    context.json({ healthy: state.dependencyHealthy }, state.dependencyHealthy ? 200 : 503),
  );
  api.post('/dependency', async (context) => {
    state.dependencyHealthy = (await bodyOf(context.req, dependencyOrder)).healthy;
    save();
    return context.json({ healthy: state.dependencyHealthy });
  });
}

function addFaults(api: Hono, { faults }: AdminParts): void {
  api.get('/faults', (context) => context.json({ faults: faults.list() }));
  api.post('/faults', async (context) =>
    context.json(faults.add(await bodyOf(context.req, z.unknown())), 201),
  );
  api.delete('/faults', (context) => {
    faults.clear();
    return context.json({ faults: [] });
  });
  api.delete('/faults/:id', (context) => {
    faults.clear(Number(context.req.param('id')));
    return context.json({ faults: faults.list() });
  });
}

function addHosts(api: Hono, parts: AdminParts): void {
  const { fleet, save } = parts;
  const hostNamed = (idOrName: string): InstanceRecord => {
    const instance = fleet.find(idOrName);
    if (instance === undefined) throw new UnknownHost(`no host has the id or the name '${idOrName}'`);
    return instance;
  };
  const viewOf = (instance: InstanceRecord) =>
    viewRegion(parts).instances.find(({ id }) => id === instance.instanceId);

  api.get('/hosts/:host', (context) => context.json(viewOf(hostNamed(context.req.param('host')))));
  api.post('/hosts/:host/kill', async (context) => {
    const instance = hostNamed(context.req.param('host'));
    await fleet.signal(instance, (await bodyOf(context.req, killOrder)).signal);
    return context.json(viewOf(instance));
  });
  api.post('/hosts/:host/unhealthy', async (context) => {
    const instance = hostNamed(context.req.param('host'));
    fleet.setAilment(instance, (await bodyOf(context.req, ailmentOrder)).reason);
    return context.json(viewOf(instance));
  });
  api.post('/hosts/:host/healthy', (context) => {
    const instance = hostNamed(context.req.param('host'));
    fleet.setAilment(instance, undefined);
    return context.json(viewOf(instance));
  });
  api.post('/hosts/:host/events', async (context) => {
    const instance = hostNamed(context.req.param('host'));
    const { code, description, not_before } = await bodyOf(context.req, eventOrder);
    const notBeforeMs = not_before === undefined ? Date.now() + 86_400_000 : Date.parse(not_before);
    const id = newId('eventid').replace('eventid', 'instance-event');
    instance.events.push({ id, code, description, notBeforeMs });
    save();
    return context.json({ id, code, description, not_before: new Date(notBeforeMs).toISOString() }, 201);
  });
  api.delete('/hosts/:host/events', (context) => {
    hostNamed(context.req.param('host')).events = [];
    save();
    return context.json({ events: [] });
  });
}
