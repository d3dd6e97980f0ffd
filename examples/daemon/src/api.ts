import { createApi } from '@lazarus/api';
import type { LiveSource, PrometheusMeter } from '@lazarus/api';
import type { Rollouts } from '@lazarus/core/config';
import type { Controller } from '@lazarus/core/controller';
import type { Clock, DryRuns, EventStream, Logger } from '@lazarus/core/ports';
import { createIntake } from '@lazarus/sensors-http';
import { Hono } from 'hono';
import type { Engine } from './engine.ts';
import { configurationCheck, healthCheck, quorumCheck } from './health.ts';
import type { Nodes } from './nodes.ts';
import type { Settings } from './settings.ts';
import type { SharedState } from './state.ts';
import { VERSION } from './version.ts';

/** What the API of a process shows, and where it puts events. */
export interface ApiParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly nodes: Nodes;
  readonly state: SharedState;
  readonly engine: Engine;
  readonly rollouts: Rollouts;
  readonly meter: PrometheusMeter;
  readonly tokens: readonly string[];
  readonly controller: Controller;
  readonly dryRuns: DryRuns;
  readonly live: LiveSource;
  readonly stream: EventStream;
  /** Throws when the stream takes no events. */
  readonly checkStream: () => Promise<undefined>;
}

/** The API and the intake of events, as one application. */
export function openApi(
  { region }: Settings,
  parts: ApiParts,
): { fetch(request: Request): Response | Promise<Response>; close(): void } {
  const { clock, log, nodes, state, engine, meter, controller } = parts;
  const auth = { tokens: parts.tokens };
  const api = createApi(
    { node: { name: nodes.own.map(({ id }) => id).join('+'), region, version: VERSION }, auth },
    {
      clock,
      log,
      audit: state.audit,
      engine,
      controller,
      dryRuns: parts.dryRuns,
      pauses: state.pauses,
      rollouts: parts.rollouts,
      fleet: nodes.own[0].fleet,
      live: parts.live,
      metrics: meter,
      peers: () =>
        nodes.peers().map(({ id, zone, connected, lastSeenAtMs, detail }) => ({
          id,
          zone,
          connected,
          ...(lastSeenAtMs === undefined ? {} : { last_seen_at: new Date(lastSeenAtMs).toISOString() }),
          ...(detail === undefined ? {} : { detail }),
        })),
      checks: [
        { name: 'stream', check: parts.checkStream },
        healthCheck('audit', () => state.audit.health()),
        // Without these nothing is done; what arrives must be counted and recorded all the same.
        ...[
          configurationCheck(controller),
          healthCheck('journal', () => engine.health()),
          quorumCheck(nodes, clock),
          ...state.checks,
        ].map((check) => ({ ...check, neededFor: 'acting' as const })),
      ],
    },
  );
  const intake = createIntake({ auth }, { stream: parts.stream, clock, log, meter });
  const app = new Hono().route('/', intake.app).route('/', api.app);
  return { fetch: (request) => app.fetch(request), close: () => api.close() };
}
