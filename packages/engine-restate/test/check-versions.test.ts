import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSystemClock } from '@lazarus/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkOwnVersions, checkServers } from '../src/server/check-versions.ts';
import { RestateServers } from '../src/server/restate-servers.ts';

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** A server that answers by path, and 404 to everything else. */
async function pretend(replies: Readonly<Record<string, Reply>>): Promise<string> {
  const server = createServer((request, response) => {
    const reply = replies[request.url ?? ''] ?? { status: 404, body: { message: 'not found' } };
    response.writeHead(reply.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(reply.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const adminOf = (version: string): Promise<string> =>
  pretend({ '/version': { status: 200, body: { version } } });
const ingress = (): Promise<string> => pretend({ '/restate/health': { status: 200, body: {} } });

async function problem(adminUrl: string, ingressUrl: string): Promise<unknown> {
  const servers = new RestateServers([{ adminUrl, ingressUrl }], createSystemClock(), 2_000);
  return checkServers(servers).catch((error: unknown) => error);
}

describe('what is wrong with a Restate server', () => {
  it('is nothing when version 1.7.12 answers at both addresses', async () => {
    expect(await problem(await adminOf('1.7.12'), await ingress())).toEqual(['1.7.12']);
  });

  it('is that version 1.6.2 is too old', async () => {
    expect(await problem(await adminOf('1.6.2'), await ingress())).toMatchObject({
      code: 'LZ_OPTION_INVALID',
      message: expect.stringMatching(
        /Restate 1\.6\.2 at .* is too old: upgrade the server to 1\.7\.0/,
      ) as string,
    });
  });

  it('is that version 2.0.0 is newer than the engine knows', async () => {
    expect(await problem(await adminOf('2.0.0'), await ingress())).toMatchObject({
      code: 'LZ_OPTION_INVALID',
      message: expect.stringMatching(/newer than this engine knows: use a server below 2\.0\.0/) as string,
    });
  });

  it('is that the ingress was given as the admin interface', async () => {
    const url = await ingress();
    expect(await problem(url, url)).toMatchObject({
      code: 'LZ_OPTION_INVALID',
      message: expect.stringMatching(/not as the admin interface of Restate does.*port 9070/) as string,
    });
  });

  it('is that the admin interface was given as the ingress', async () => {
    const url = await adminOf('1.7.12');
    expect(await problem(url, url)).toMatchObject({
      code: 'LZ_OPTION_INVALID',
      message: expect.stringMatching(/not as the ingress of Restate does.*port 8080/) as string,
    });
  });

  it('is that nobody answers, with the address and the reason', async () => {
    expect(await problem('http://127.0.0.1:2', 'http://127.0.0.1:2')).toMatchObject({
      code: 'LZ_JOURNAL_UNAVAILABLE',
      retryable: true,
      message: expect.stringMatching(
        /http:\/\/127\.0\.0\.1:2\/version did not answer: .*ECONNREFUSED/,
      ) as string,
    });
  });

  it('is nothing when one of two servers is away', async () => {
    const servers = new RestateServers(
      [
        { adminUrl: 'http://127.0.0.1:2', ingressUrl: 'http://127.0.0.1:2' },
        { adminUrl: await adminOf('1.8.0'), ingressUrl: await ingress() },
      ],
      createSystemClock(),
      2_000,
    );
    expect(await checkServers(servers)).toEqual(['1.8.0']);
  });
});

describe('what is wrong with this process', () => {
  it('is nothing on Node 22.13.0 with SDK 1.17.0', () => {
    expect(() => checkOwnVersions({ node: '22.13.0', sdk: '1.17.0' })).not.toThrow();
  });

  it('is a Node before 22.13, on which every run would fail and be retried for ever', () => {
    expect(() => checkOwnVersions({ node: '20.20.2', sdk: '1.17.2' })).toThrow(/Node 20\.20\.2 is too old/);
  });

  it('is an SDK before 1.17, or of another major version', () => {
    expect(() => checkOwnVersions({ node: '24.0.0', sdk: '1.16.9' })).toThrow(
      /restate-sdk 1\.16\.9 .* from 1\.17\.0/,
    );
    expect(() => checkOwnVersions({ node: '24.0.0', sdk: '2.0.0' })).toThrow(/below 2\.0\.0/);
  });
});
