import { ConfigurationError, MAX_EVENT_BYTES, describeError } from '@lazarus/core';
import { createEventTypes } from '@lazarus/core/config';
import { parseOptions } from '@lazarus/core/errors';
import type { EventTypes } from '@lazarus/core/config';
import type { Clock, EventStream, Logger, Meter } from '@lazarus/core/ports';
import { Hono } from 'hono';
import type { z } from 'zod';
import { createAdmission } from '../access/admission.ts';
import type { Admission } from '../access/admission.ts';
import { createAdapters } from '../adapters/adapters.ts';
import type { Adapter } from '../adapters/adapters.ts';
import { ADAPTER_EVENT_TYPES } from '../adapters/event-types.ts';
import type { EntityOf } from '../adapters/event-bridge/envelope.ts';
import { problemResponse } from '../problem.ts';
import { mediaTypeOf, readJson } from './body.ts';
import { isReadable, readCandidates } from './candidates.ts';
import { createDeposits } from './deposits.ts';
import { judgeCandidate, judgeReading } from './judge.ts';
import type { JudgeOptions } from './judge.ts';
import { IntakeOptions } from './options.ts';
import type { IntakeSettings } from './options.ts';
import { serve } from './serve.ts';
import type { Entrance } from './serve.ts';

/** What the intake needs. */
export interface IntakePorts {
  /** Where every event goes, and nowhere else. */
  readonly stream: EventStream;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  /** @defaultValue the built-in types and those of the adapters */
  readonly types?: EventTypes;
  /** What an instance belongs to, for the adapter of EventBridge. @defaultValue the options of that adapter say it */
  readonly entityOf?: EntityOf;
}

/** The intake of a region. It binds no port: serve `fetch`, or mount `app` in an application of your own. */
export interface Intake {
  readonly app: Hono;
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** What it answers to, for an index page. */
  readonly endpoints: readonly IntakeEndpoint[];
}

/** One line about an endpoint. */
export interface IntakeEndpoint {
  readonly method: 'post';
  readonly path: string;
  readonly summary: string;
}

/**
 * Creates the HTTP intake of events: `POST /v1/events` reads events strictly and deposits them into the stream. It decides
 * nothing and keeps nothing; an event that is sent again is accepted again, because the first-seen gate counts it once.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID` or `LZ_PORT_MISSING`.
 * @example
 * ```ts
 * const intake = createIntake({ auth: { tokens: [token] } }, { stream, clock, log });
 * serve({ fetch: intake.fetch, hostname: '127.0.0.1', port: 7400 });
 * ```
 */
export function createIntake(options: z.input<typeof IntakeOptions>, ports: IntakePorts): Intake {
  const settings = parseOptions('createIntake', IntakeOptions, options);
  requirePorts(ports);
  const { meter, log, clock } = ports;
  const deposits = createDeposits(settings, ports);
  const app = new Hono();
  const endpoints: IntakeEndpoint[] = [];

  const open = (path: string, summary: string, entrance: Entrance): void => {
    endpoints.push({ method: 'post', path, summary });
    app.post(path, (context) => serve(context.req.raw, entrance, { deposits, log, meter }));
  };
  const types = ports.types ?? createEventTypes(ADAPTER_EVENT_TYPES);
  const judging = { types, knownTypesOnly: settings.knownTypesOnly };
  const admission = createAdmission(settings.auth, clock);
  open(
    '/v1/events',
    'Deposit one event or a list of events',
    eventsEntrance(settings, judging, admission, clock),
  );
  for (const adapter of createAdapters(settings.adapters, admission, ports.entityOf))
    open(`/v1/adapters/${adapter.name}`, adapter.summary, adapterEntrance(adapter, settings, judging));
  app.notFound(({ req }) =>
    problemResponse({ code: 'not_found', message: `there is nothing at ${req.method} ${req.path}` }),
  );
  app.onError((error, { req }) => {
    log.error('a request failed', { path: req.path, error: describeError(error) });
    return problemResponse({ code: 'internal', message: 'the intake failed; its log says why' });
  });
  return { app, fetch: (request) => app.fetch(request), endpoints };
}

function eventsEntrance(
  settings: IntakeSettings,
  judging: JudgeOptions,
  admission: Admission,
  clock: Clock,
): Entrance {
  // More events than there are places could never be deposited.
  const maxEvents = Math.min(settings.maxEventsPerRequest, settings.maxInFlight);
  return {
    name: 'events',
    maxBytes: MAX_EVENT_BYTES,
    maxEvents,
    admission,
    busyCode: 'too_many_requests',
    isReadable,
    read(headers, body) {
      const candidates = readCandidates(headers, body, clock.now());
      if (!candidates.ok) return candidates;
      const { items, isList } = candidates.value;
      // Too many are counted and refused by the caller; judging them would be wasted.
      const worthJudging = items.slice(0, maxEvents + 1);
      return {
        ok: true,
        value: { items: worthJudging.map((item) => judgeCandidate(item, judging)), isList },
      };
    },
  };
}

/** Most bytes of a message of a monitoring system, which may carry many alerts. */
const MAX_ADAPTER_BYTES = 1_048_576;

function adapterEntrance(adapter: Adapter, settings: IntakeSettings, judging: JudgeOptions): Entrance {
  return {
    name: adapter.name,
    maxBytes: MAX_ADAPTER_BYTES,
    maxEvents: settings.maxInFlight,
    admission: adapter.admission,
    // Alertmanager and Datadog send again after 5xx alone.
    busyCode: 'unavailable',
    isReadable: (headers) => mediaTypeOf(headers) === 'application/json',
    read(_headers, body) {
      const json = readJson(body);
      if (!json.ok) return json;
      const items = adapter.read(json.value).map((reading) => judgeReading(reading, judging));
      return { ok: true, value: { items, isList: false } };
    },
  };
}

const REQUIRED = ['stream', 'clock', 'log'] as const;

function requirePorts(ports: IntakePorts): void {
  const given: Partial<IntakePorts> = ports;
  const missing = REQUIRED.filter((name) => given[name] === undefined);
  if (missing.length === 0) return;
  throw new ConfigurationError({
    code: 'LZ_PORT_MISSING',
    summary: 'createIntake needs ports that were not passed:',
    issues: missing.map((name) => ({ path: `ports.${name}`, message: 'is missing' })),
  });
}
