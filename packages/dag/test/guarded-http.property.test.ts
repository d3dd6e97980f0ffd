import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGuardedHttpCaller } from '../src/index.ts';
import type { HttpCaller } from '../src/index.ts';
import { isForbiddenAddress, isPrivateAddress } from '../src/actions/adapters/address-guard.ts';
import type { Resolve } from '../src/actions/adapters/guarded-http.ts';

const { signal } = new AbortController();
const get = (url: string) => ({ method: 'GET' as const, url, headers: {}, signal });
type Octets = readonly [number, number, number, number];

const octet = fc.nat(255);
const under = (first: number, second: fc.Arbitrary<number> = octet) =>
  fc.tuple(fc.constant(first), second, octet, octet) as fc.Arbitrary<Octets>;
/** IPv4 addresses that no workflow may reach by default, from every network that the registries name. */
const inside = fc.oneof(
  under(0),
  under(10),
  under(100, fc.integer({ min: 64, max: 127 })),
  under(127),
  under(169, fc.constant(254)),
  under(172, fc.integer({ min: 16, max: 31 })),
  under(192, fc.constant(168)),
  under(198, fc.integer({ min: 18, max: 19 })),
  fc.tuple(fc.integer({ min: 224, max: 255 }), octet, octet, octet) as fc.Arbitrary<Octets>,
  fc.constantFrom<Octets>([169, 254, 169, 254], [168, 63, 129, 16], [100, 100, 100, 200], [192, 0, 0, 192]),
);

/** One number in one of the ways that URLs read. */
const written = (value: number) =>
  fc.constantFrom(
    String(value),
    `0x${value.toString(16)}`,
    `0${value.toString(8)}`,
    `0X${value.toString(16).toUpperCase()}`,
  );
const hex = (high: number, low: number): string => ((high << 8) | low).toString(16);

/** The spellings of an IPv4 address that lead to it, as the host of a URL. */
function spellings([a, b, c, d]: Octets): fc.Arbitrary<string> {
  const dotted = `${a}.${b}.${c}.${d}`;
  const tail = `${hex(a, b)}:${hex(c, d)}`;
  return fc.oneof(
    fc.constantFrom(dotted, `${dotted}.`, dotted.replaceAll('.', '。')),
    fc.tuple(written(a), written(b), written(c), written(d)).map((parts) => parts.join('.')),
    fc.tuple(written(a), written(b), written((c << 8) | d)).map((parts) => parts.join('.')),
    fc.tuple(written(a), written(((b << 16) | (c << 8) | d) >>> 0)).map((parts) => parts.join('.')),
    written(((a << 24) | (b << 16) | (c << 8) | d) >>> 0),
    fc.constantFrom(
      `[::ffff:${dotted}]`,
      `[::ffff:${tail}]`,
      `[0:0:0:0:0:ffff:${tail}]`,
      `[::FFFF:${tail.toUpperCase()}]`,
      `[::${tail}]`,
      `[::ffff:0:${tail}]`,
      `[64:ff9b::${tail}]`,
      `[64:ff9b:1::${tail}]`,
      `[2002:${tail}::1]`,
    ),
  );
}

/** A caller whose every name leads where the test says, and how often it was asked. */
function callerTo(
  answers: readonly (readonly string[])[],
  options: Parameters<typeof createGuardedHttpCaller>[0],
): { readonly http: HttpCaller; asked(): number } {
  let asked = 0;
  const resolve: Resolve = (_hostname, _options, callback) => {
    const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
    asked += 1;
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return { http: createGuardedHttpCaller(options, resolve), asked: () => asked };
}

const REFUSED = { code: 'LZ_ACTUATOR_REFUSED', retryable: false };

describe('the guard against requests to inside', () => {
  let server: Server;
  let port = 0;
  const seen: { readonly url: string; readonly headers: IncomingHttpHeaders }[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      seen.push({ url: request.url ?? '', headers: request.headers });
      response.end('inside');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it('refuses an address of inside in every spelling, also when that very origin is listed', async () => {
    await fc.assert(
      fc.asyncProperty(
        inside.chain((octets) => spellings(octets)),
        async (host) => {
          const url = `http://${host}:${port}/`;
          const http = createGuardedHttpCaller({ allow: [new URL(url).origin] });
          await expect(http.call(get(url))).rejects.toMatchObject(REFUSED);
        },
      ),
      { numRuns: 1_000 },
    );
    expect(seen).toEqual([]);
  });

  it('refuses a name that leads inside, in every spelling of its address, alone or among public ones', async () => {
    const name = `http://hooks.example.com:${port}`;
    const literal = inside.chain((octets) =>
      fc.constantFrom(
        octets.join('.'),
        `::ffff:${octets.join('.')}`,
        `::ffff:${hex(octets[0], octets[1])}:${hex(octets[2], octets[3])}`,
      ),
    );
    const answer = fc.tuple(
      literal,
      fc.array(fc.constantFrom('93.184.216.34', '2606:4700::1111'), { maxLength: 2 }),
      fc.nat(2),
    );
    await fc.assert(
      fc.asyncProperty(answer, async ([bad, good, at]) => {
        const addresses = [...good.slice(0, at), bad, ...good.slice(at)];
        const { http } = callerTo([addresses], { allow: [name] });
        await expect(http.call(get(`${name}/`))).rejects.toMatchObject(REFUSED);
      }),
      { numRuns: 300 },
    );
    expect(seen).toEqual([]);
  });

  it('asks for the address once a request and connects to what it judged: a name that changes its mind gains nothing', async () => {
    const name = `http://hooks.example.com:${port}`;
    const caller = callerTo([['127.0.0.1'], ['93.184.216.34']], { allow: [name] });
    await expect(caller.http.call(get(`${name}/`))).rejects.toMatchObject(REFUSED);
    expect(caller.asked()).toBe(1);
    const other = callerTo([['127.0.0.1'], ['169.254.169.254']], { allow: [name], allowPrivate: true });
    expect(await other.http.call(get(`${name}/once`))).toEqual({ status: 200, body: 'inside' });
    expect(other.asked()).toBe(1);
    await expect(other.http.call(get(`${name}/twice`))).rejects.toMatchObject(REFUSED);
    expect(seen.map(({ url }) => url)).toEqual(['/once']);
  });

  it('never lets anybody to cloud metadata, however much is allowed', async () => {
    for (const host of [
      '169.254.169.254',
      '2852039166',
      '0xa9fea9fe',
      '0251.0376.0251.0376',
      '[::ffff:a9fe:a9fe]',
      '[64:ff9b::a9fe:a9fe]',
      '[2002:a9fe:a9fe::1]',
      '[fd00:ec2::254]',
      '[fd20:ce::254]',
      '[fe80::1]',
      '168.63.129.16',
      '100.100.100.200',
      '192.0.0.192',
      '0.0.0.0',
    ]) {
      const url = `http://${host}:${port}/`;
      const literal = createGuardedHttpCaller({ allow: [new URL(url).origin], allowPrivate: true });
      await expect(literal.call(get(url)), host).rejects.toMatchObject(REFUSED);
      const named = callerTo([[new URL(url).hostname.replace(/^\[|\]$/g, '')]], {
        allow: ['http://hooks.example.com'],
        allowPrivate: true,
      });
      await expect(named.http.call(get('http://hooks.example.com/')), host).rejects.toMatchObject(REFUSED);
    }
    expect(isForbiddenAddress('fe80::1%eth0')).toBe(true);
  });

  it('takes for private what is no address, and lets random public ones pass', () => {
    for (const odd of ['', 'localhost', '1.2.3', '1.2.3.4.5', '::g', 'fe80::1%'])
      expect(isPrivateAddress(odd)).toBe(true);
    const first = fc.constantFrom(1, 8, 52, 93, 151, 203);
    fc.assert(
      fc.property(fc.tuple(first, fc.integer({ min: 1, max: 250 }), octet, octet), ([a, b, c, d]) => {
        fc.pre(!(a === 203 && b === 0));
        expect(isPrivateAddress(`${a}.${b}.${c}.${d}`)).toBe(false);
        expect(isPrivateAddress(`2606:4700::${hex(a, b)}:${hex(c, d)}`)).toBe(false);
      }),
    );
  });

  it.each([
    'https://hooks.example.com/only/here',
    'https://hooks.example.com/?a=b',
    'https://hooks.example.com/#a',
    'https://user@hooks.example.com',
    'https://user:secret@hooks.example.com',
    'ftp://hooks.example.com',
    'file:///etc/passwd',
    'hooks.example.com',
    '*',
    '',
  ])('does not take %j for an origin', (text) => {
    expect(() => createGuardedHttpCaller({ allow: [text] })).toThrow('is no origin');
  });

  it.each([
    ['another port', 'https://hooks.example.com:8443/'],
    ['another scheme', 'http://hooks.example.com/'],
    ['a name below it', 'https://a.hooks.example.com/'],
    ['a name that begins like it', 'https://hooks.example.com.evil.net/'],
    ['a dot at the end', 'https://hooks.example.com./'],
    ['its name as a user', 'https://hooks.example.com@evil.net/'],
    ['its name behind a backslash', 'https://evil.net\\@hooks.example.com/'],
    ['its name in the fragment', 'https://evil.net/#@hooks.example.com/'],
    ['a user', 'https://user@hooks.example.com/'],
    ['a password', 'https://user:secret@hooks.example.com/'],
    ['a file', 'file:///etc/passwd'],
    ['nothing that can be read', 'https://[::1'],
  ])('refuses %s', async (_title, url) => {
    const { http, asked } = callerTo([['93.184.216.34']], { allow: ['https://hooks.example.com'] });
    const error: unknown = await http.call(get(url)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(REFUSED);
    expect(String(error)).not.toContain('secret');
    expect(asked()).toBe(0);
  });

  it.each([
    'Host',
    'host',
    'Connection',
    'Transfer-Encoding',
    'Content-Length',
    'Upgrade',
    'Proxy-Authorization',
  ])('does not let a workflow set the header %s', async (header) => {
    const origin = `http://127.0.0.1:${port}`;
    const http = createGuardedHttpCaller({ allow: [origin], allowPrivate: true });
    const before = seen.length;
    await expect(
      http.call({ ...get(`${origin}/`), headers: { [header]: 'internal' } }),
    ).rejects.toMatchObject(REFUSED);
    expect(seen).toHaveLength(before);
  });

  it('refuses a header that would begin another one, without telling its value', async () => {
    const origin = `http://127.0.0.1:${port}`;
    const http = createGuardedHttpCaller({ allow: [origin], allowPrivate: true });
    const headers = { authorization: 'Bearer secret\r\nhost: internal' };
    const error: unknown = await http
      .call({ ...get(`${origin}/`), headers })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(REFUSED);
    expect(String(error)).not.toContain('secret');
  });
});
