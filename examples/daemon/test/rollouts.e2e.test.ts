import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '@lazarus/cli';
import { startDaemon, readSettings } from '@lazarus/example-daemon';
import type { Daemon } from '@lazarus/example-daemon';
import { silentLogger } from '@lazarus/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { startRedis, whyNoRedis, withRedis } from '../../../tools/redis-server.ts';

const TIMEOUT_MS = 90_000;
const NOBODY = 'http://127.0.0.1:9';
const SERVICES = ['web', 'api', 'search', 'cache'] as const;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const profileText = (rollout: string, mode: string, minimum: number): string => `profile: fleet
rollout: ${rollout}
defaults: { mode: ${mode} }
rules:
  - name: down
    criteria: { event_type: NagiosHostAlarm }
    prechecks: [{ checkName: MinActiveHosts, default: ${minimum} }]
    workflow: { name: default.replace_host }
`;

interface Place {
  readonly settings: string;
  edit(rollout: string, mode: string, minimum: number): void;
}

function createPlace(extra = ''): Place {
  const path = mkdtempSync(join(tmpdir(), 'lazarus-rollouts-'));
  cleanups.push(() => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
  for (const folder of ['profiles', 'services']) mkdirSync(join(path, 'config', folder), { recursive: true });
  writeFileSync(join(path, 'token'), 'a-token-for-the-pager\n');
  for (const name of SERVICES)
    writeFileSync(
      join(path, 'config', 'services', `${name}.yaml`),
      `service: ${name}\nteam: storefront\nprofile: fleet\n`,
    );
  const settings = join(path, 'lazarus.yaml');
  writeFileSync(
    settings,
    `region: us-east-1
listen: { port: 0 }
nodes:
  - { id: a, zone: us-east-1a }
  - { id: b, zone: us-east-1b }
  - { id: c, zone: us-east-1c }
provider: { endpoint: '${NOBODY}' }
pager: { url: '${NOBODY}', from: lazarus@example.com, responders: [lazarus], token_file: token }
${extra}`,
  );
  const profile = join(path, 'config', 'profiles', 'fleet.yaml');
  return {
    settings,
    edit: (rollout, mode, minimum) => writeFileSync(profile, profileText(rollout, mode, minimum)),
  };
}

async function start({ settings }: Place): Promise<Daemon> {
  const daemon = await startDaemon(readSettings(settings), silentLogger);
  cleanups.push(() => daemon.close().catch(() => undefined));
  return daemon;
}

/** `lazarus ...` against a daemon, as a person types it. */
async function lazarus(daemon: Daemon, ...words: readonly string[]): Promise<unknown> {
  let out = '';
  let err = '';
  const code = await run([...words, '--output', 'json', '--url', daemon.url], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    readInput: async () => '',
    env: {},
    color: false,
    now: () => Date.now(),
    newId: () => 'none',
    signal: new AbortController().signal,
  });
  expect(err).toBe('');
  expect(code).toBe(0);
  return JSON.parse(out) as unknown;
}
const rollouts = (daemon: Daemon): Promise<unknown> => lazarus(daemon, 'rollouts');

const alarm = (daemon: Daemon, id: string, service: string): Promise<Response> =>
  fetch(`${daemon.url}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      id,
      event_type: 'NagiosHostAlarm',
      source: 'nagios',
      time: new Date().toISOString(),
      region: 'us-east-1',
      environment: 'prod',
      service,
      host: `${service}-1`,
      attributes: { host_state: 'DOWN', host_state_type: 'HARD' },
    }),
  });

describe('an edit of a profile with a rollout', () => {
  it('reaches 1, 2 and then all 4 services by itself, and is over', { timeout: TIMEOUT_MS }, async () => {
    const place = createPlace();
    const waves = '{ waves: [0.25, 0.5, 1], bake: 3s }';
    place.edit(waves, 'notify', 2);
    const daemon = await start(place);
    expect(await rollouts(daemon)).toEqual([]);
    place.edit(waves, 'notify', 3);
    expect(await daemon.reload()).toBe(true);
    const digests = new Set<string>();
    for (const [wave, reached] of [
      [1, 1],
      [2, 2],
      [3, 4],
    ]) {
      await expect
        .poll(() => rollouts(daemon), { timeout: 20_000, interval: 100 })
        .toMatchObject([{ profile: 'fleet', status: 'rolling', wave, services: { reached, total: 4 } }]);
      digests.add(daemon.snapshot.digest);
    }
    await expect.poll(() => rollouts(daemon), { timeout: 20_000 }).toEqual([]);
    await expect.poll(() => digests.has(daemon.snapshot.digest), { timeout: 20_000 }).toBe(false);
    // S15: whoever is in another wave has another digest.
    expect(digests.size).toBe(3);
  });

  it(
    'stops when the decisions it makes go wrong, stays stopped over a restart, and is rolled back by a person',
    { timeout: TIMEOUT_MS },
    async () => {
      const place = createPlace();
      const waves = '{ waves: [0.5, 1], bake: 1h, min_outcomes: 2 }';
      place.edit(waves, 'notify', 2);
      const daemon = await start(place);
      place.edit(waves, 'off', 2);
      await daemon.reload();
      for (const service of SERVICES) expect((await alarm(daemon, `e-${service}`, service)).ok).toBe(true);
      const stopped = {
        status: 'stopped',
        wave: 1,
        services: { reached: 2, total: 4 },
        outcomes: { total: 2, failed: 2 },
        because: '2 of 2 outcomes went wrong, at most 10 % may',
      };
      await expect.poll(() => rollouts(daemon), { timeout: 30_000 }).toMatchObject([stopped]);
      const { digest } = daemon.snapshot;
      await daemon.close();
      const again = await start(place);
      expect(await rollouts(again)).toMatchObject([stopped]);
      expect(again.snapshot.digest).toBe(digest);
      const because = ['--reason', 'it was a mistake', '--author', 'ada'];
      expect(await lazarus(again, 'rollout', 'fleet', '--action', 'roll_back', ...because)).toMatchObject([
        { status: 'rolled_back', because: 'rolled back by ada: it was a mistake', services: { reached: 0 } },
      ]);
      await expect.poll(() => again.snapshot.digest === digest, { timeout: 20_000 }).toBe(false);
    },
  );
});

describe.skipIf(whyNoRedis() !== undefined)(withRedis('a rollout over two daemons and one Redis'), () => {
  it(
    'S15: is in one wave on both, which both keep while Redis is away and after it lost everything',
    { timeout: TIMEOUT_MS },
    async () => {
      const redis = await startRedis();
      cleanups.push(() => redis.stop());
      const shared = `shared_state: { kind: redis, url: '${redis.url}', grace: 0s }\n`;
      const places = [createPlace(shared), createPlace(shared)];
      const waves = '{ waves: [0.5, 1], bake: 1h }';
      for (const place of places) place.edit(waves, 'notify', 2);
      const [a, b] = (await Promise.all(places.map(start))) as [Daemon, Daemon];
      await expect.poll(() => a.snapshot.digest === b.snapshot.digest, { timeout: 20_000 }).toBe(true);
      await expect.poll(() => rollouts(a).catch(() => 'not yet'), { timeout: 20_000 }).toEqual([]);
      const before = a.snapshot.digest;
      for (const place of places) place.edit(waves, 'notify', 3);
      expect([await a.reload(), await b.reload()]).toEqual([true, true]);
      const { digest } = a.snapshot;
      expect(digest).not.toBe(before);
      expect(b.snapshot.digest).toBe(digest);

      redis.pause();
      expect(await a.reload()).toBe(false);
      expect([a.snapshot.digest, b.snapshot.digest]).toEqual([digest, digest]);
      redis.resume();
      await redis.admin.flushall();
      const wave1 = [{ status: 'rolling', wave: 1, services: { reached: 2, total: 4 } }];
      for (const daemon of [a, b])
        await expect
          .poll(() => rollouts(daemon).catch(() => 'not yet'), { timeout: 30_000 })
          .toMatchObject(wave1);
      expect(await a.reload()).toBe(true);
      expect([a.snapshot.digest, b.snapshot.digest]).toEqual([digest, digest]);
    },
  );
});
