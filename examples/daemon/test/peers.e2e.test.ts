import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystemClock } from '@lazarus/core';
import { readSettings, startDaemon, startEmulator } from '@lazarus/example-daemon';
import type { Daemon } from '@lazarus/example-daemon';
import { createDevCertificates } from '@lazarus/quorum';
import { silentLogger } from '@lazarus/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RedisServer } from '../../../tools/redis-server.ts';
import { startRedis, whyNoRedis, withRedis } from '../../../tools/redis-server.ts';

const TIMEOUT_MS = 90_000;
const IDS = ['a', 'b', 'c'] as const;
const NOBODY = 'http://127.0.0.1:9';
const cleanups: (() => unknown)[] = [];
let folder: string;
let redis: RedisServer;
let streamUrl: string;
let ports: Readonly<Record<string, number>>;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function settingsOf(id: string, certificate = id) {
  const peers = IDS.filter((other) => other !== id).map(
    (other) => `  - { id: ${other}, zone: us-east-1${other}, port: ${ports[other]} }`,
  );
  const file = join(folder, `${id}.yaml`);
  writeFileSync(
    file,
    [
      'region: us-east-1',
      `state_dir: state-${id}`,
      'listen: { port: 0 }',
      `node: { id: ${id}, zone: us-east-1${id}, listen: { port: ${ports[id]} } }`,
      'peers:',
      ...peers,
      `tls: { ca: ca.crt, cert: ${certificate}.crt, key: ${certificate}.key }`,
      `shared_state: { kind: redis, url: '${redis.url}', grace: 1s }`,
      'locks: { ttl: 1s }',
      `stream: { kind: emulator, endpoint: '${streamUrl}' }`,
      'audit: { file: shared/audit.db }',
      'engine: { kind: embedded, journal: shared/journal.db }',
      `provider: { endpoint: '${NOBODY}' }`,
      `pager: { url: '${NOBODY}', from: lazarus@example.com, responders: [lazarus], token_file: token }`,
      '',
    ].join('\n'),
  );
  return readSettings(file);
}

/** Of a new authority each time. */
function writeCertificates(): void {
  const { ca, nodes } = createDevCertificates({ members: IDS, nowMs: Date.now() });
  writeFileSync(join(folder, 'ca.crt'), ca.cert);
  for (const [id, { cert, key }] of Object.entries(nodes)) {
    writeFileSync(join(folder, `${id}.crt`), cert);
    writeFileSync(join(folder, `${id}.key`), key);
  }
}

async function start(id: string, certificate = id): Promise<Daemon> {
  const daemon = await startDaemon(settingsOf(id, certificate), silentLogger);
  cleanups.push(() => daemon.close());
  return daemon;
}

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}
const quorumOf = async (daemon: Daemon): Promise<Check | undefined> => {
  const body = (await (await fetch(`${daemon.url}/readyz`)).json()) as { readonly checks: readonly Check[] };
  return body.checks.find(({ name }) => name === 'quorum');
};
const peersOf = async (daemon: Daemon): Promise<readonly object[]> =>
  ((await (await fetch(`${daemon.url}/v1/peers`)).json()) as { readonly peers: readonly object[] }).peers;

describe.skipIf(whyNoRedis() !== undefined)(withRedis('daemons of one node each'), () => {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lazarus-peers-'));
    cleanups.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
    mkdirSync(join(folder, 'config'));
    writeFileSync(join(folder, 'token'), 'a-token-for-the-pager\n');
    writeCertificates();
    redis = await startRedis();
    cleanups.push(() => redis.stop());
    const emulator = await startEmulator({ path: join(folder, 'stream') }, createSystemClock());
    cleanups.push(() => emulator.close());
    streamUrl = emulator.endpoint;
    ports = Object.fromEntries(await Promise.all(IDS.map(async (id) => [id, await freePort()] as const)));
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  it(
    'L4: show each other as connected; one away is named with the time it was last seen, two away make a node not ready',
    { timeout: TIMEOUT_MS },
    async () => {
      const [a, b, c] = [await start('a'), await start('b'), await start('c')];
      await expect
        .poll(() => peersOf(a), { timeout: 30_000 })
        .toMatchObject([
          { id: 'b', zone: 'us-east-1b', connected: true },
          { id: 'c', zone: 'us-east-1c', connected: true },
        ]);
      await c.close();
      await expect
        .poll(() => quorumOf(a), { timeout: 30_000 })
        .toMatchObject({
          ok: true,
          detail: expect.stringMatching(/^2 of 3 nodes .*c was last seen/) as string,
        });
      await b.close();
      await expect
        .poll(() => quorumOf(a), { timeout: 30_000 })
        .toMatchObject({
          ok: false,
          detail: expect.stringContaining('pages escalate by themselves') as string,
        });
      expect((await fetch(`${a.url}/readyz/act`)).status).toBe(503);
      expect((await fetch(`${a.url}/readyz`)).status).toBe(200);
    },
  );

  it(
    'S18: take certificates of a new authority at a reload, without a restart; one that cannot be used changes nothing',
    { timeout: TIMEOUT_MS },
    async () => {
      const [a, b] = [await start('a'), await start('b')];
      writeFileSync(join(folder, 'a.key'), 'no key');
      await a.reload();
      await expect
        .poll(() => peersOf(b), { timeout: 30_000 })
        .toMatchObject([{ id: 'a', connected: true }, {}]);
      writeCertificates();
      const c = await start('c');
      await expect
        .poll(() => peersOf(c), { timeout: 30_000 })
        .toMatchObject([
          { id: 'a', detail: expect.stringMatching(/certificate|closed|hang up/) as string },
          {},
        ]);
      await Promise.all([a.reload(), b.reload()]);
      const whole = [{ connected: true }, { connected: true }];
      for (const daemon of [a, b, c])
        await expect.poll(() => peersOf(daemon), { timeout: 30_000 }).toMatchObject(whole);
    },
  );

  it('S18: refuse to start with the certificate of another node', { timeout: TIMEOUT_MS }, async () => {
    await expect(start('a', 'b')).rejects.toThrow(/tls\.cert is for b, and this is node a/);
  });

  it('name a certificate file that is missing, and how to make one', { timeout: TIMEOUT_MS }, async () => {
    rmSync(join(folder, 'a.key'));
    await expect(start('a')).rejects.toThrow(/tls\.key .*a\.key: ENOENT.*lazarus dev-certs/s);
  });

  it('say which port is taken before anything is opened', { timeout: TIMEOUT_MS }, async () => {
    const a = await start('a');
    const settings = settingsOf('b');
    const { port } = new URL(a.url);
    const taken = { ...settings, listen: { ...settings.listen, port: Number(port) } };
    await expect(startDaemon(taken, silentLogger)).rejects.toThrow(`port ${port} on 127.0.0.1 is taken`);
  });
});
