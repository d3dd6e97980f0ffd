import { createSystemClock } from '@lazarus/core';
import { createPager, type FaultOrder, type Pager as PagerService } from '@lazarus/example-pager-sim';
import { createRecordingLogger } from '@lazarus/testing';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import {
  createPagerDutyEvents,
  createPagerDutyPager,
  type PagerDutyEvents,
  type PagerDutyPager,
} from '../src/index.ts';

const KEY = 'web/web-1';
const clock = createSystemClock();
const ports = { clock, random: { next: () => 0.5 } };
const limits = { requestTimeoutMs: 200, deadlineMs: 1500, retryFirstMs: 20 };
const logger = createRecordingLogger();

let service: PagerService;
let pager: PagerDutyPager;
let events: PagerDutyEvents;

const makePager = (endpoint: string, options: object = {}): PagerDutyPager =>
  createPagerDutyPager({
    endpoint,
    token: 'token-7391',
    from: 'lazarus@example.com',
    responders: ['lazarus'],
    logger,
    ...limits,
    ...ports,
    ...options,
  });

beforeEach(async () => {
  service = await createPager({ token: 'token-7391' });
  pager = makePager(service.endpoint);
  events = createPagerDutyEvents({
    endpoint: service.endpoint,
    routingKey: 'r'.repeat(32),
    ...limits,
    ...ports,
  });
  await events.trigger({ incidentKey: KEY, summary: 'web-1 is down', source: 'sensor' });
});

afterEach(() => service.close());

const fault = (order: FaultOrder): unknown => service.faults.add(order);
const statusOf = (): string | undefined => service.incidents()[0]?.status;
const calls = (operation: string): number => service.faults.calls()[operation] ?? 0;

async function timed<T>(work: () => Promise<T>): Promise<readonly [outcome: unknown, tookMs: number]> {
  const startMs = clock.monotonic();
  const outcome = await work().catch((error: unknown) => error);
  return [outcome, clock.monotonic() - startMs];
}

describe('limits', () => {
  it('a request that hangs ends after 200 ms and is tried again', async () => {
    fault({ operation: 'list_incidents', hang: 'before_effect' });
    const [outcome, tookMs] = await timed(() => pager.acknowledge({ incidentKey: KEY }));
    expect(outcome).toMatchObject({ done: true });
    expect(tookMs).toBeGreaterThan(190);
    expect(tookMs).toBeLessThan(1000);
  });

  it('a service that always hangs ends the call within its deadline of 1 500 ms, as retryable', async () => {
    fault({ operation: '*', hang: 'before_effect', times: 'always' });
    const [outcome, tookMs] = await timed(() => pager.acknowledge({ incidentKey: KEY }));
    expect(outcome).toMatchObject({ code: 'LZ_PAGER_UNAVAILABLE', retryable: true });
    expect(tookMs).toBeLessThan(1700);
  });

  it('the caller’s signal ends a call that hangs with the signal’s reason', async () => {
    fault({ operation: '*', hang: 'before_effect', times: 'always' });
    const [outcome, tookMs] = await timed(() =>
      pager.find({ incidentKey: KEY, signal: AbortSignal.timeout(50) }),
    );
    expect(outcome).toMatchObject({ name: 'TimeoutError' });
    expect(tookMs).toBeLessThan(180);
  });

  it('a reply that is lost after the effect leads to one acknowledged page', async () => {
    fault({ operation: 'update_incident', drop_reply: true });
    expect(await pager.acknowledge({ incidentKey: KEY })).toMatchObject({ done: true });
    expect(statusOf()).toBe('acknowledged');
    expect(calls('update_incident')).toBe(2);
  });

  it('a service that is not there is a retryable PortError, within the deadline', async () => {
    await service.close();
    const [outcome, tookMs] = await timed(() => pager.find({ incidentKey: KEY }));
    expect(outcome).toMatchObject({ code: 'LZ_PAGER_UNAVAILABLE', retryable: true });
    expect(tookMs).toBeLessThan(1700);
    service = await createPager();
  });
});

describe('rate limit', () => {
  it('a wait of 1 s by ratelimit-reset is kept when it fits into the deadline', async () => {
    fault({ operation: 'list_incidents', status: 429, ratelimit_reset: 1 });
    const [outcome, tookMs] = await timed(() => pager.acknowledge({ incidentKey: KEY }));
    expect(outcome).toMatchObject({ done: true });
    expect(tookMs).toBeGreaterThan(990);
    expect(calls('list_incidents')).toBe(2);
  });

  it('a wait of 30 s that does not fit fails at once and says how long to wait', async () => {
    fault({ operation: 'list_incidents', status: 429, ratelimit_reset: 30 });
    const [outcome, tookMs] = await timed(() => pager.acknowledge({ incidentKey: KEY }));
    expect(outcome).toMatchObject({ code: 'LZ_PAGER_UNAVAILABLE', retryable: true, retryAfterMs: 30_000 });
    expect(tookMs).toBeLessThan(500);
  });

  it('a 429 without the header is tried again with back-off', async () => {
    fault({ operation: 'list_incidents', status: 429, times: 2 });
    expect(await pager.find({ incidentKey: KEY })).toMatchObject({ status: 'triggered' });
  });
});

describe('answers that are no success', () => {
  it('500 is tried again, 401 is not, and neither message contains the token', async () => {
    fault({ operation: 'list_incidents', status: 500, times: 2 });
    expect(await pager.find({ incidentKey: KEY })).toBeDefined();
    const stranger = makePager(service.endpoint, { token: 'token-wrong' });
    const before = calls('list_incidents');
    const [outcome] = await timed(() => stranger.find({ incidentKey: KEY }));
    expect(outcome).toMatchObject({
      code: 'LZ_PAGER_UNAVAILABLE',
      retryable: false,
      details: { status: 401 },
    });
    expect(String(outcome)).not.toContain('token-wrong');
    expect(calls('list_incidents')).toBe(before + 1);
  });

  it('an error page that is no JSON rejects with an error, not with something else', async () => {
    fault({ operation: 'list_incidents', status: 502, body: '<html>bad gateway</html>', times: 'always' });
    const [outcome] = await timed(() => pager.find({ incidentKey: KEY }));
    expect(outcome).toBeInstanceOf(Error);
    expect(outcome).toMatchObject({
      code: 'LZ_PAGER_UNAVAILABLE',
      retryable: true,
      details: { status: 502 },
    });
  });

  it('a note that cannot be written does not undo the acknowledgement, and is written at most once', async () => {
    fault({ operation: 'create_note', drop_reply: true });
    expect(await pager.acknowledge({ incidentKey: KEY, note: 'replacing web-1' })).toMatchObject({
      done: true,
    });
    expect(service.incidents()[0]?.notes).toHaveLength(1);
    expect(logger.lines.some(({ message }) => message === 'page note was not written')).toBe(true);
  });
});

describe('annotate', () => {
  it('writes to an open page, and does nothing to a resolved or unknown one', async () => {
    await pager.annotate({ incidentKey: KEY, note: 'step 1 of 8' });
    expect(service.incidents()[0]?.notes.map(({ content }) => content)).toEqual(['step 1 of 8']);
    await pager.resolve({ incidentKey: KEY });
    await pager.annotate({ incidentKey: KEY, note: 'late' });
    await pager.annotate({ incidentKey: 'none', note: 'late' });
    expect(service.incidents()[0]?.notes).toHaveLength(1);
  });
});

describe('events', () => {
  it('a trigger that is repeated counts on the same page', async () => {
    fault({ operation: 'enqueue', drop_reply: true });
    await events.trigger({
      incidentKey: KEY,
      summary: 'x'.repeat(2000),
      source: 'sensor',
      class: 'HealthcheckDown',
    });
    expect(service.incidents()).toHaveLength(1);
    expect(service.incidents()[0]?.triggers).toBe(3);
  });

  it('400 rejects as not retryable, and an empty summary is refused before it is sent', async () => {
    const wrong = createPagerDutyEvents({
      endpoint: service.endpoint,
      routingKey: 'short',
      ...limits,
      ...ports,
    });
    const [outcome] = await timed(() =>
      wrong.trigger({ incidentKey: KEY, summary: 'down', source: 'sensor' }),
    );
    expect(outcome).toMatchObject({
      code: 'LZ_PAGER_UNAVAILABLE',
      retryable: false,
      details: { status: 400 },
    });
    const before = calls('enqueue');
    const [refused] = await timed(() => events.trigger({ incidentKey: KEY, summary: '', source: 'sensor' }));
    expect(refused).toMatchObject({ code: 'LZ_OPTION_INVALID' });
    expect(calls('enqueue')).toBe(before);
  });
});

describe('the service without escalation levels in its answers', () => {
  let server: Server;
  let incident: Record<string, unknown>;
  let seen: { method: string; url: string; from: string; accept: string; body: string }[];

  beforeEach(async () => {
    seen = [];
    incident = { id: 'PABC', status: 'triggered', incident_key: KEY, created_at: '2026-01-01T00:00:00Z' };
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const { from = '', accept = '' } = request.headers;
      seen.push({ method: request.method ?? '', url: request.url ?? '', from, accept, body });
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(request.method === 'GET' ? { incidents: [incident] } : { incident }));
    };
    server = createServer((request, response) => void answer(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    pager = makePager(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, {
      responders: ['PLAZARUS'],
    });
  });

  afterEach(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );

  const assigned = (id: string) => ({ assignments: [{ assignee: { id, summary: 'somebody' } }] });

  it.each([
    ['given to Lazarus', assigned('PLAZARUS'), { escalationLevel: 1, takenByHuman: false }],
    ['given to a person', assigned('PJANE'), { escalationLevel: 2, takenByHuman: true }],
    ['given to nobody', { assignments: [] }, { escalationLevel: 1, takenByHuman: false }],
    [
      'acknowledged by a user without a name',
      { acknowledgements: [{ acknowledger: {} }] },
      { escalationLevel: 1, takenByHuman: true },
    ],
  ])('a page %s is seen as such', async (_title, part, expected) => {
    Object.assign(incident, part);
    expect(await pager.find({ incidentKey: KEY })).toMatchObject(expected);
  });

  it('a change carries the From and Accept headers and the documented body', async () => {
    await pager.acknowledge({ incidentKey: KEY });
    expect(seen[0]?.url).toContain('incident_key=web%2Fweb-1');
    expect(seen[1]).toEqual({
      method: 'PUT',
      url: '/incidents/PABC',
      from: 'lazarus@example.com',
      accept: 'application/vnd.pagerduty+json;version=2',
      body: '{"incident":{"type":"incident_reference","status":"acknowledged"}}',
    });
  });

  it('an incident of another key in the answer is not taken for this one', async () => {
    incident.incident_key = 'web/web-2';
    expect(await pager.find({ incidentKey: KEY })).toBeUndefined();
  });

  it('a person who was faster than the change is noticed in its answer', async () => {
    const page = pager.acknowledge({ incidentKey: KEY });
    incident = { ...incident, status: 'triggered' };
    const get = server.listeners('request')[0] as (a: IncomingMessage, b: ServerResponse) => void;
    server.removeAllListeners('request');
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (request.method === 'PUT') {
        incident = {
          ...incident,
          status: 'acknowledged',
          acknowledgements: [{ acknowledger: { id: 'PJANE' } }],
        };
      }
      get(request, response);
    });
    expect(await page).toMatchObject({ done: false, reason: 'taken_by_human' });
  });
});

describe('options', () => {
  it('a missing From address and an unknown option are refused by name, without the values', () => {
    const make = (): unknown => makePager(service.endpoint, { from: 'nobody', retries: 3 });
    expect(make).toThrow(expect.objectContaining({ code: 'LZ_OPTION_INVALID' }) as Error);
    expect(make).toThrow(/from/);
    expect(make).not.toThrow(/token-7391/);
  });
});
