import { aHost } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { createFixture } from './fixture.ts';

describe('forensics', () => {
  it('lists the hosts of all services that are kept, with the expiry from their tag', async () => {
    const { fleet, get } = createFixture();
    fleet.put(
      aHost({
        hostId: 'i-1',
        lifecycle: 'forensics',
        tags: { 'lazarus:expires-at': '2026-01-04T00:00:00Z' },
      }),
      aHost({
        hostId: 'i-2',
        service: 'db',
        lifecycle: 'forensics',
        tags: { 'lazarus:expires-at': '2025-12-31T00:00:00Z' },
      }),
      aHost({ hostId: 'i-3', service: 'db', lifecycle: 'forensics' }),
      aHost({ hostId: 'i-4' }),
    );
    const { body } = await get('/v1/forensics');
    expect(body).toMatchObject({
      hosts: [
        { host_id: 'i-1', expires_at: '2026-01-04T00:00:00.000Z', expired: false },
        { host_id: 'i-2', expires_at: '2025-12-31T00:00:00.000Z', expired: true },
        { host_id: 'i-3', expired: false },
      ],
      complete: true,
      problems: [],
    });
    expect((await get('/v1/forensics?service=web')).body.hosts).toMatchObject([{ host_id: 'i-1' }]);
  });

  it('S8: a listing that is partial or failed says so', async () => {
    const { fleet, get } = createFixture();
    fleet.truncate(true);
    expect((await get('/v1/forensics')).body).toMatchObject({ complete: false });
    fleet.truncate(false);
    fleet.fail('throttled');
    expect((await get('/v1/forensics')).body).toMatchObject({
      complete: false,
      problems: [
        { service: 'web' },
        { service: 'db', message: expect.stringContaining('throttled') as string },
      ],
    });
  });
});

describe('config', () => {
  it('is named by its digest and its parts', async () => {
    const { get } = createFixture();
    expect((await get('/v1/config')).body).toMatchObject({
      digest: 'c0ffee',
      rules: ['host_down'],
      services: ['web', 'db'],
    });
  });

  it('has no digest while the node only observes', async () => {
    const controller = { snapshot: undefined, plan: () => Promise.reject(new Error('unused')) };
    const { get } = createFixture({ ports: { controller } });
    expect((await get('/v1/config')).body).toMatchObject({ digest: null, rules: [] });
  });
});

describe('health', () => {
  it('is ready when every check passes, and names each', async () => {
    const checks = [
      { name: 'audit', check: () => 'writable' },
      { name: 'stream', check: () => undefined },
    ];
    const { get } = createFixture({ ports: { checks } });
    expect(await get('/readyz')).toMatchObject({
      status: 200,
      body: {
        ready: true,
        node: { name: 'a' },
        checks: [
          { name: 'audit', ok: true, detail: 'writable' },
          { name: 'stream', ok: true, detail: 'ok' },
        ],
      },
    });
  });

  it('is ready, and says so, when something works with nothing to spare', async () => {
    const checks = [{ name: 'quorum', check: () => ({ degraded: '2 of 3 nodes' }) }];
    const { get } = createFixture({ ports: { checks } });
    expect(await get('/readyz/act')).toMatchObject({
      status: 200,
      body: { ready: true, checks: [{ name: 'quorum', ok: true, degraded: true, detail: '2 of 3 nodes' }] },
    });
  });

  it('is 503 while one check fails, and after 2 s when one hangs', async () => {
    const checks = [
      {
        name: 'audit',
        check: () => {
          throw new Error('disk full');
        },
      },
      { name: 'stream', check: () => new Promise<string>(() => undefined) },
    ];
    const { send, clock } = createFixture({ ports: { checks } });
    const answer = send('GET', '/readyz');
    await clock.advance(1_999);
    await clock.advance(1);
    const response = await answer;
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      ready: false,
      checks: [
        { ok: false, detail: 'Error: disk full' },
        { ok: false, detail: 'TimeoutError: no answer within 2000 ms', duration_ms: 2000 },
      ],
    });
    expect(clock.pending).toBe(0);
  });

  it('S11: is ready to take events while only what is needed for acting is away, and /readyz/act is 503', async () => {
    const away = (): never => {
      throw new Error('no answer');
    };
    const checks = [
      { name: 'stream', check: () => undefined },
      { name: 'shared state', neededFor: 'acting', check: away },
    ] as const;
    const { get } = createFixture({ ports: { checks } });
    const body = {
      ready: true,
      acts: false,
      checks: [
        { name: 'stream', needed_for: 'intake', ok: true },
        { name: 'shared state', needed_for: 'acting', ok: false },
      ],
    };
    expect(await get('/readyz')).toMatchObject({ status: 200, body });
    expect(await get('/readyz/act')).toMatchObject({ status: 503, body });
  });

  it('is live', async () => {
    const { get } = createFixture();
    expect(await get('/livez')).toEqual({ status: 200, body: { live: true } });
  });
});

describe('peers', () => {
  it('are listed as this node sees them, with the reason why one is away', async () => {
    const { get } = createFixture();
    expect(await get('/v1/peers')).toEqual({
      status: 200,
      body: {
        peers: [
          { id: 'b', zone: 'us-east-1b', connected: true, last_seen_at: '2026-01-01T00:00:00.000Z' },
          { id: 'c', zone: 'us-east-1c', connected: false, detail: 'connection refused' },
        ],
      },
    });
  });
});

describe('the index', () => {
  it('names the node and every endpoint, also those of others on the same port', async () => {
    const alsoServed = [{ method: 'post', path: '/v1/events', summary: 'Deposit events' }];
    const { send } = createFixture({ options: { alsoServed } });
    const text = await (await send('GET', '/')).text();
    expect(text).toContain('node a in us-east-1, zone us-east-1a');
    for (const line of [
      'POST   /v1/events',
      'GET    /v1/decisions/{id}',
      'DELETE /v1/pauses',
      'GET    /openapi.json',
    ]) {
      expect(text).toContain(line);
    }
  });

  it('leaves out what has no port', async () => {
    const { send } = createFixture({ ports: { fleet: undefined as never, live: undefined as never } });
    const text = await (await send('GET', '/')).text();
    expect(text).not.toContain('/v1/forensics');
    expect((await send('GET', '/v1/stream')).status).toBe(404);
  });
});

describe('the OpenAPI document', () => {
  it('is 3.1 and describes every endpoint of the index', async () => {
    const { get } = createFixture();
    const { body } = await get('/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    expect(Object.keys(body.paths as object).sort()).toEqual([
      '/',
      '/livez',
      '/metrics',
      '/readyz',
      '/readyz/act',
      '/v1/config',
      '/v1/decisions',
      '/v1/decisions/{id}',
      '/v1/explanations/{id}',
      '/v1/forensics',
      '/v1/pauses',
      '/v1/peers',
      '/v1/plan',
      '/v1/runs',
      '/v1/runs/{id}',
      '/v1/stream',
    ]);
  });

  it('asks for the token when there is one', async () => {
    const { send } = createFixture({ options: { auth: { tokens: ['a-token-of-24-characters'] } } });
    const response = await send('GET', '/openapi.json', undefined, {
      authorization: 'Bearer a-token-of-24-characters',
    });
    expect(await response.json()).toMatchObject({
      security: [{ token: [] }],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    });
  });
});

describe('an unknown path', () => {
  it('is a 404 in JSON that points to the index', async () => {
    const { get } = createFixture();
    expect(await get('/v2/decisions')).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } });
  });
});

describe('metrics', () => {
  it('are served as Prometheus reads them', async () => {
    const { send, meter } = createFixture();
    meter.count('lazarus_events_received_total', { source: 'nagios', type: 'NagiosHostAlarm' }, 2);
    const response = await send('GET', '/metrics');
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(await response.text()).toContain(
      'lazarus_events_received_total{source="nagios",type="NagiosHostAlarm"} 2',
    );
  });
});
