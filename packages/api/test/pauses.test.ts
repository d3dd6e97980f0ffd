import { describe, expect, it } from 'vitest';
import { createFixture } from './fixture.ts';

const request = { scope: { service: 'web' }, author: 'ada', reason: 'migration', for: '2h' };

describe('pauses', () => {
  it('are set with author, reason and an expiry 2 h from now, and listed', async () => {
    const { send, get } = createFixture();
    const response = await send('POST', '/v1/pauses', request);
    expect(response.status).toBe(200);
    const pause = {
      scope: { service: 'web' },
      author: 'ada',
      reason: 'migration',
      since: '2026-01-01T00:00:00.000Z',
      until: '2026-01-01T02:00:00.000Z',
    };
    expect(await response.json()).toEqual(pause);
    expect((await get('/v1/pauses')).body).toEqual({ pauses: [pause] });
  });

  it.each([
    [{ service: 'wep' }, 'no document of the configuration names the service wep; did you mean "web"?'],
    [{ region: 'mars' }, 'this node acts in us-east-1, not in mars: it goes on'],
    [{ region: 'us-east-1', service: 'web' }, undefined],
    [{}, undefined],
  ])('of %j are set, with a warning where they may stop nothing', async (scope, warning) => {
    const { send, pauses } = createFixture();
    const response = await send('POST', '/v1/pauses', { ...request, scope });
    expect(response.status).toBe(200);
    expect(((await response.json()) as { readonly warning?: string }).warning).toBe(warning);
    expect((await pauses.list()).map((pause) => pause.scope)).toEqual([scope]);
  });

  it.each([
    ['no author', { ...request, author: undefined }, 'author'],
    ['no reason', { ...request, reason: ' ' }, 'reason'],
    ['no expiry', { ...request, for: undefined }, 'until'],
    ['two expiries', { ...request, until: '2026-01-01T01:00:00Z' }, 'for'],
    ['an expiry in the past', { ...request, for: undefined, until: '2025-12-31T23:59:59Z' }, 'until'],
    ['an expiry after 31 days', { ...request, for: '31d' }, 'for'],
    ['a duration without unit', { ...request, for: '7200' }, 'for'],
    ['an unknown key', { ...request, services: ['web'] }, 'services'],
    ['an unknown scope', { ...request, scope: { host: 'web-1' } }, 'scope.host'],
  ])('with %s are refused', async (_name, body, path) => {
    const { send, pauses } = createFixture();
    const response = await send('POST', '/v1/pauses', body);
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { issues: { path: string }[] } };
    expect(error.issues.map((issue) => issue.path)).toContain(path);
    expect(await pauses.list()).toEqual([]);
  });

  it('end for exactly their scope, and ending none is a 404', async () => {
    const { send, pauses } = createFixture();
    await send('POST', '/v1/pauses', request);
    await send('POST', '/v1/pauses', { ...request, scope: {} });
    const resume = (query: string) => send('DELETE', `/v1/pauses?author=bob&reason=done${query}`);
    expect((await resume('&service=db')).status).toBe(404);
    expect(await (await resume('')).json()).toEqual({ cleared: 1 });
    expect(await pauses.list()).toMatchObject([{ scope: { service: 'web' } }]);
    expect(pauses.cleared.at(-1)).toEqual({ scope: {}, by: { author: 'bob', reason: 'done' } });
  });

  it('do not end without an author and a reason', async () => {
    const { send, pauses } = createFixture();
    await send('POST', '/v1/pauses', request);
    expect((await send('DELETE', '/v1/pauses?service=web')).status).toBe(400);
    expect(await pauses.list()).toHaveLength(1);
  });
});

describe('a change', () => {
  it('by a page of another origin is refused, by one of the same origin it is not', async () => {
    const { send, pauses } = createFixture();
    const foreign = await send('POST', '/v1/pauses', request, {
      origin: 'http://evil.test',
      host: 'localhost:7400',
    });
    expect(foreign.status).toBe(403);
    expect(await pauses.list()).toEqual([]);
    const own = await send('POST', '/v1/pauses', request, {
      origin: 'http://localhost:7400',
      host: 'localhost:7400',
    });
    expect(own.status).toBe(200);
  });

  it('that does not say application/json is refused, because a form of another page could send it', async () => {
    const { send, pauses } = createFixture();
    const response = await send('POST', '/v1/pauses', request, { 'content-type': 'text/plain' });
    expect(response.status).toBe(415);
    expect(await pauses.list()).toEqual([]);
  });
});
