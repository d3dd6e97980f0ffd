import { createAdaptorServer } from '@hono/node-server';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { adminApi } from './admin/admin-api.ts';
import { viewRegion } from './admin/region-view.ts';
import type { RegionView } from './admin/region-view.ts';
import { LoadBalancer } from './balancer/load-balancer.ts';
import { FaultList } from './faults/fault.ts';
import { Fleet } from './fleet/fleet.ts';
import { seedNewServices } from './fleet/seed-services.ts';
import { startWarden } from './fleet/warden.ts';
import { regionOptions, zonesOf } from './options.ts';
import type { RegionOptions, ResolvedRegionOptions } from './options.ts';
import { listenOn } from './state/listen.ts';
import { emptyState } from './state/region-state.ts';
import type { RegionState } from './state/region-state.ts';
import { directoryStore, memoryStore } from './state/state-store.ts';
import { StartupError } from './state/startup-error.ts';
import { answerAwsRequest } from './wire/aws-endpoint.ts';
import type { EndpointParts } from './wire/aws-endpoint.ts';
import { CallLog } from './wire/call-log.ts';

/** A running region. */
export interface Region {
  /** Where EC2 and ELBv2 clients point their `endpoint`, and where `/_sim/` is. */
  readonly endpoint: string;
  readonly region: string;
  /** URL of the load balancer by service. */
  readonly loadBalancers: Readonly<Record<string, string>>;
  readonly faults: FaultList;
  view(): RegionView;
  /** Kills every host, stops every listener, keeps the state for the next start. */
  close(): Promise<void>;
}

/** How long the hosts of a region may take to come up before the start is given up. */
const START_PATIENCE_MS = 60_000;

/**
 * Starts a region, or takes up the one that `stateDir` holds, and returns once its hosts serve traffic.
 *
 * @throws StartupError when a port is taken, the state cannot be used or the hosts do not come up.
 * @throws ZodError when the options are malformed.
 */
export async function createRegion(options: RegionOptions = {}): Promise<Region> {
  const resolved = regionOptions.parse(options);
  const store = resolved.stateDir === undefined ? memoryStore() : directoryStore(resolved.stateDir);
  const ending: (() => unknown)[] = [() => store.release()];
  const close = once(async () => {
    for (const end of ending.toReversed()) await end();
  });
  try {
    const state = store.load() ?? emptyState(resolved);
    if (state.region !== resolved.region) {
      throw new StartupError(
        `the state in ${resolved.stateDir ?? ''} is of region ${state.region}, not ${resolved.region}: choose another --state`,
      );
    }
    const parts = assemble(resolved, state, () => store.save(state), ending);
    const region = await start(resolved, state, parts, ending);
    return { ...region, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Parts extends EndpointParts {
  readonly balancers: LoadBalancer[];
}

/** Makes the parts of the region; nothing listens yet. */
function assemble(
  options: ResolvedRegionOptions,
  state: RegionState,
  save: () => void,
  ending: (() => unknown)[],
): Parts {
  const isSource = import.meta.url.endsWith('.ts');
  const programOf = (name: string): string =>
    fileURLToPath(new URL(name + (isSource ? '.ts' : '.js'), options.programDir ?? import.meta.url));
  const warden = startWarden(programOf('warden'));
  ending.push(() => warden.close());
  const balancers: LoadBalancer[] = [];
  const fleet = new Fleet(state, {
    hostProgram: programOf('host'),
    bootMs: options.bootMs,
    shutdownMs: options.shutdownMs,
    dependencyUrl: () => `http://127.0.0.1:${state.endpointPort}/_sim/dependency`,
    changed: () => {
      for (const balancer of balancers) balancer.dropTerminated();
      save();
    },
    warden,
  });
  ending.push(() => fleet.close());
  return { fleet, state, options, balancers, save, faults: new FaultList(), calls: new CallLog() };
}

async function start(
  options: ResolvedRegionOptions,
  state: RegionState,
  parts: Parts,
  ending: (() => unknown)[],
): Promise<Omit<Region, 'close'>> {
  if (options.port !== 0) state.endpointPort = options.port;
  const server = createAdaptorServer({ fetch: endpointApp(parts).fetch }) as Server;
  state.endpointPort = await listenOn(server, state.endpointPort, 'API endpoint');
  ending.push(async () => closeServer(server));
  const startedMs = Date.now();
  const deadline = startedMs + START_PATIENCE_MS;
  parts.fleet.resume();
  seedNewServices(options, state, parts.fleet);
  await until(deadline, () => isBooted(parts.fleet, startedMs));
  // Only now, so that no health check counts a host as failed that has not had the time to come up.
  for (const group of state.targetGroups) {
    const balancer = new LoadBalancer(group, parts.fleet, {
      healthCheck: options.healthCheck,
      changed: parts.save,
    });
    await balancer.start();
    ending.push(() => balancer.close());
    parts.balancers.push(balancer);
  }
  parts.save();
  if (state.dependencyHealthy) await until(deadline, () => parts.balancers.every(hasMadeUpItsMind));
  const view = (): RegionView => viewRegion({ ...parts, endpoint, zones: zonesOf(options) });
  const endpoint = `http://127.0.0.1:${state.endpointPort}`;
  return {
    endpoint,
    region: options.region,
    loadBalancers: view().load_balancers,
    faults: parts.faults,
    view,
  };
}

/** @throws StartupError when a host launched since `startedMs` did not come up. */
function isBooted(fleet: Fleet, startedMs: number): boolean {
  const failed = fleet.instances.find(
    ({ stateReason, launchTimeMs }) =>
      launchTimeMs >= startedMs && stateReason?.code === 'Server.InternalError',
  );
  if (failed !== undefined) {
    throw new StartupError(`host ${failed.instanceId} did not start: ${failed.stateReason?.message ?? ''}`);
  }
  return !fleet.isBooting;
}

function hasMadeUpItsMind(balancer: LoadBalancer): boolean {
  return balancer.group.targets.every(({ instanceId }) => balancer.healthOf(instanceId).state !== 'initial');
}

async function until(deadlineMs: number, condition: () => boolean): Promise<void> {
  while (!condition()) {
    if (Date.now() > deadlineMs) {
      throw new StartupError(
        `the hosts were not up after ${START_PATIENCE_MS / 1_000} s: is the machine overloaded?`,
      );
    }
    await sleep(20);
  }
}

function endpointApp(parts: Parts): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const { state, options } = parts;
  const viewed = {
    ...parts,
    get endpoint() {
      return `http://127.0.0.1:${state.endpointPort}`;
    },
    zones: zonesOf(options),
  };
  app.route('/_sim', adminApi(viewed));
  app.get('/', (context) =>
    context.text('A simulated region: EC2 and ELBv2 here by POST, levers under /_sim/state.\n'),
  );
  app.post('/', async (context) => {
    const reply = await answerAwsRequest(
      context.req.header('authorization'),
      await context.req.text(),
      parts,
    );
    if (reply.dropReply) {
      context.env.incoming.socket.destroy();
      return RESPONSE_ALREADY_SENT;
    }
    return context.body(reply.body, reply.status as 200, { 'content-type': 'text/xml;charset=UTF-8' });
  });
  return app;
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

function once(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= action());
}
