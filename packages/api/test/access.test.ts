import { describe, expect, it } from 'vitest';
import { createApi } from '../src/index.ts';
import { createFixture } from './fixture.ts';

const tokens = ['a-token-of-24-characters', 'the-next-token-of-them'];

describe('a bearer token', () => {
  it.each([
    ['no header', undefined, 401],
    ['a wrong token', 'Bearer a-token-of-24-characterZ', 401],
    ['a prefix of the token', 'Bearer a-token-of-24', 401],
    ['an empty token', 'Bearer ', 401],
    ['another scheme', 'Basic a-token-of-24-characters', 401],
    ['the token', 'Bearer a-token-of-24-characters', 200],
    ['the token that replaces it', 'bearer the-next-token-of-them', 200],
  ])('with %s answers as it should', async (_name, authorization, status) => {
    const { send } = createFixture({ options: { auth: { tokens } } });
    const response = await send(
      'GET',
      '/v1/decisions',
      undefined,
      authorization === undefined ? {} : { authorization },
    );
    expect(response.status).toBe(status);
    if (status === 401) expect(response.headers.get('www-authenticate')).toBe('Bearer');
  });

  it('guards every path but /livez, /readyz and /readyz/act', async () => {
    const { send } = createFixture({ options: { auth: { tokens } } });
    const status = async (path: string) => (await send('GET', path)).status;
    for (const path of ['/livez', '/readyz', '/readyz/act']) expect(await status(path)).toBe(200);
    for (const path of [
      '/',
      '/metrics',
      '/openapi.json',
      '/v1/stream',
      '/v1/config',
      '/nothing',
      '/livez/',
    ]) {
      expect(await status(path)).toBe(401);
    }
  });

  it('shorter than 16 characters is a configuration error that does not repeat it', () => {
    expect(() => createFixture({ options: { auth: { tokens: ['secret'] } } })).toThrow(/auth\.tokens\[0\]/);
    expect(() => createFixture({ options: { auth: { tokens: ['secret'] } } })).not.toThrow(/"secret"/);
  });
});

describe('createApi', () => {
  it('names the ports that are missing', () => {
    const node = { name: 'a', region: 'r', version: '1' };
    expect(() => createApi({ node }, {} as never)).toThrow(/LZ_PORT_MISSING|ports\.audit is missing/);
  });
});
