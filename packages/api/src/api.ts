import { OpenAPIHono } from '@hono/zod-openapi';
import { ConfigurationError, describeError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import type { Rollouts } from '@lazarus/core/config';
import type { Controller } from '@lazarus/core/controller';
import type { AuditLog, Clock, DryRuns, Fleet, Logger, Pauses, WorkflowEngine } from '@lazarus/core/ports';
import type { z } from 'zod';
import { requireBearerToken } from './access/bearer-token.ts';
import { sameOrigin } from './access/same-origin.ts';
import { openApiRoute, routingPath } from './endpoint.ts';
import type { Endpoint } from './endpoint.ts';
import { configEndpoint } from './endpoints/config.ts';
import { decisionEndpoints } from './endpoints/decisions.ts';
import { dryRunEndpoint } from './endpoints/dry-runs.ts';
import { forensicsEndpoint } from './endpoints/forensics.ts';
import { healthEndpoints } from './endpoints/health.ts';
import { indexEndpoint } from './endpoints/index-page.ts';
import type { IndexLine } from './endpoints/index-page.ts';
import { metricsEndpoint } from './endpoints/metrics.ts';
import type { MetricsSource } from './endpoints/metrics.ts';
import { pauseEndpoints } from './endpoints/pauses.ts';
import { peersEndpoint } from './endpoints/peers.ts';
import type { PeerEntry } from './endpoints/peers.ts';
import { planEndpoint } from './endpoints/plan.ts';
import { rolloutEndpoints } from './endpoints/rollouts.ts';
import { runEndpoints } from './endpoints/runs.ts';
import { streamEndpoint } from './endpoints/stream.ts';
import type { ReadinessCheck } from './health/readiness.ts';
import { createLiveLog } from './live/live-log.ts';
import type { LiveLog, LiveSource } from './live/live-log.ts';
import { ApiOptions } from './options.ts';
import { problem, problemOf } from './problem.ts';
import { openApiDocument } from './openapi-document.ts';

/** What the API reads and, for pauses, changes. What is absent has no endpoint. */
export interface ApiPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly audit: Pick<AuditLog, 'decisions' | 'find' | 'openRuns' | 'run' | 'lateVotes'>;
  readonly engine: Pick<WorkflowEngine, 'get'>;
  readonly controller: Pick<Controller, 'plan' | 'snapshot'>;
  readonly pauses: Pick<Pauses, 'list' | 'set' | 'clear'>;
  /** For `/v1/plan` and `/v1/dry-runs`: what a run would do; an engine for runbooks brings it. */
  readonly dryRuns?: DryRuns;
  /** For `/v1/rollouts`. */
  readonly rollouts?: Pick<Rollouts, 'list' | 'act'>;
  /** For `/v1/forensics`. */
  readonly fleet?: Pick<Fleet, 'list'>;
  /** For `/v1/stream`: the `live$` of a pipeline. */
  readonly live?: LiveSource;
  /** For `/metrics`: what `createMeter` returns. */
  readonly metrics?: MetricsSource;
  /** For `/v1/peers`: the other nodes that vote, where there are any. */
  readonly peers?: () => readonly PeerEntry[];
  /** For `/readyz`. */
  readonly checks?: readonly ReadinessCheck[];
}

/** The API of a node. It binds no port: serve `fetch`, or mount `app` in an application of your own. */
export interface Api {
  readonly app: OpenAPIHono;
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** Ends the live streams; whoever serves the app closes the port. */
  close(): void;
}

/**
 * Creates the HTTP API of a node.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID` or `LZ_PORT_MISSING`.
 * @example
 * ```ts
 * const api = createApi(
 *   { node: { name: 'a', region: 'us-east-1', version: '0.1.0' } },
 *   { clock, log, audit, engine, controller, pauses, live: pipeline.live$, metrics: meter },
 * );
 * serve({ fetch: api.fetch, hostname: '127.0.0.1', port: 7400 });
 * ```
 */
export function createApi(options: z.input<typeof ApiOptions>, ports: ApiPorts): Api {
  const settings = parseOptions('createApi', ApiOptions, options);
  requirePorts(ports);
  const closing = new AbortController();
  const live = ports.live && openLiveLog(ports.live, ports, settings);

  const endpoints: Endpoint[] = [
    indexEndpoint(settings.node, () => indexLines(endpoints, settings.alsoServed)),
    ...endpointsOf(settings, ports, { live, closing: closing.signal }),
  ];
  const app = new OpenAPIHono();
  app.use(async (context, next) => {
    await next();
    context.header('X-Content-Type-Options', 'nosniff');
    context.header('Cache-Control', 'no-store');
  });
  app.use(sameOrigin);
  if (settings.auth.tokens.length > 0) app.use(requireBearerToken(settings.auth.tokens));
  for (const endpoint of endpoints) {
    app.openAPIRegistry.registerPath(openApiRoute(endpoint));
    app.on(endpoint.method.toUpperCase(), routingPath(endpoint), (context) => endpoint.handle(context));
  }
  app.get('/openapi.json', (context) => context.json(openApiDocument(app, settings)));
  app.notFound((context) =>
    problem(context, 'not_found', `there is nothing at ${context.req.method} ${context.req.path}; see /`),
  );
  app.onError((error, context) =>
    problemOf(context, error, (message) =>
      ports.log.error('a request failed', { path: context.req.path, error: message }),
    ),
  );
  return {
    app,
    fetch: (request) => app.fetch(request),
    close() {
      closing.abort();
      live?.close();
    },
  };
}

type Settings = z.output<typeof ApiOptions>;

function endpointsOf(
  settings: Settings,
  ports: ApiPorts,
  streams: { readonly live: LiveLog | undefined; readonly closing: AbortSignal },
): readonly Endpoint[] {
  const { clock, log, controller, dryRuns, fleet, metrics } = ports;
  const dryRun = dryRuns === undefined ? undefined : { dryRuns, log };
  const { live, closing } = streams;
  return [
    ...decisionEndpoints(ports.audit),
    ...runEndpoints(ports),
    planEndpoint(controller, dryRun),
    ...(dryRun === undefined ? [] : [dryRunEndpoint(ports.audit, dryRun)]),
    ...pauseEndpoints(ports, settings.node.region),
    ...(ports.rollouts === undefined ? [] : rolloutEndpoints(ports.rollouts)),
    ...(fleet === undefined
      ? []
      : [forensicsEndpoint({ fleet, clock, controller, expiryTag: settings.forensicsExpiryTag })]),
    configEndpoint(controller),
    ...(ports.peers === undefined ? [] : [peersEndpoint(ports.peers)]),
    ...(live === undefined ? [] : [streamEndpoint({ log: live, clock, closing })]),
    ...healthEndpoints({ clock, node: settings.node, checks: ports.checks ?? [] }),
    ...(metrics === undefined ? [] : [metricsEndpoint(metrics)]),
  ];
}

function openLiveLog(source: LiveSource, { clock, log }: ApiPorts, { liveHistory }: Settings): LiveLog {
  return createLiveLog(source, {
    origin: clock.now().toString(36),
    capacity: liveHistory,
    onError: (error) =>
      log.error('the live stream has ended; records can still be read', { error: describeError(error) }),
  });
}

function indexLines(endpoints: readonly Endpoint[], alsoServed: readonly IndexLine[]): readonly IndexLine[] {
  return [
    ...alsoServed,
    ...endpoints,
    { method: 'get', path: '/openapi.json', summary: 'All of it as OpenAPI 3.1' },
  ];
}

const REQUIRED = ['clock', 'log', 'audit', 'engine', 'controller', 'pauses'] as const;

function requirePorts(ports: ApiPorts): void {
  const given: Partial<ApiPorts> = ports;
  const missing = REQUIRED.filter((name) => given[name] === undefined);
  if (missing.length === 0) return;
  throw new ConfigurationError({
    code: 'LZ_PORT_MISSING',
    summary: 'createApi needs ports that were not passed:',
    issues: missing.map((name) => ({ path: `ports.${name}`, message: 'is missing' })),
  });
}
