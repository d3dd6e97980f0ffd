import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGuardedHttpCaller } from '../src/index.ts';
import { isPrivateAddress } from '../src/actions/adapters/address-guard.ts';

const { signal } = new AbortController();
const get = (url: string) => ({ method: 'GET' as const, url, headers: {}, signal });

describe('a guarded HTTP caller', () => {
  let server: Server;
  let origin = '';
  let port = 0;

  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === '/redirect') response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
      else if (request.url === '/big') response.end('x'.repeat(100_000));
      else response.end(`hello ${String(request.headers['idempotency-key'] ?? '')}`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
    origin = `http://127.0.0.1:${port}`;
  });

  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it('calls an origin that is listed', async () => {
    const http = createGuardedHttpCaller({ allow: [origin], allowPrivate: true });
    expect(await http.call(get(`${origin}/`))).toEqual({ status: 200, body: 'hello ' });
  });

  it('refuses an origin that is not listed, also another port of a listed host', async () => {
    const http = createGuardedHttpCaller({ allow: [origin], allowPrivate: true });
    for (const url of [
      `http://127.0.0.1:${port + 1}/`,
      `https://127.0.0.1:${port}/`,
      'http://example.invalid/',
    ]) {
      await expect(http.call(get(url))).rejects.toMatchObject({
        code: 'LZ_ACTUATOR_REFUSED',
        message: expect.stringContaining('is not an allowed origin') as string,
      });
    }
  });

  it('refuses a private address, written out or behind a name', async () => {
    const http = createGuardedHttpCaller({ allow: [origin, `http://localhost:${port}`] });
    await expect(http.call(get(`${origin}/`))).rejects.toMatchObject({
      message: expect.stringContaining('127.0.0.1 is a private address') as string,
    });
    await expect(http.call(get(`http://localhost:${port}/`))).rejects.toMatchObject({
      message: expect.stringContaining('leads to the private address') as string,
    });
  });

  it('follows no redirect and cuts an answer off at 64 KB', async () => {
    const http = createGuardedHttpCaller({ allow: [origin], allowPrivate: true });
    expect((await http.call(get(`${origin}/redirect`))).status).toBe(302);
    expect((await http.call(get(`${origin}/big`))).body).toHaveLength(65_536);
  });

  it('refuses a URL with a password, and an origin that is none', async () => {
    const http = createGuardedHttpCaller({ allow: [origin], allowPrivate: true });
    await expect(http.call(get(`http://user:secret@127.0.0.1:${port}/`))).rejects.toMatchObject({
      message: expect.not.stringContaining('secret') as string,
    });
    expect(() => createGuardedHttpCaller({ allow: ['hooks'] })).toThrow('is no origin');
  });

  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '169.254.169.254',
    '192.168.0.1',
    '0.0.0.0',
    '::1',
    'fe80::1',
    'fd00::1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
  ])('takes %s for private', (address) => {
    expect(isPrivateAddress(address)).toBe(true);
  });

  it.each(['8.8.8.8', '172.32.0.1', '2606:4700::1111'])('takes %s for public', (address) => {
    expect(isPrivateAddress(address)).toBe(false);
  });
});
