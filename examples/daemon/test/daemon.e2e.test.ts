import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '@lazarus/core/ports';
import { startDaemon, readSettings } from '@lazarus/example-daemon';
import type { Daemon } from '@lazarus/example-daemon';
import { createPager } from '@lazarus/example-pager-sim';
import { createRegion } from '@lazarus/example-fleet-sim';
import { createRecordingLogger, silentLogger } from '@lazarus/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { startRedis, whyNoRedis, withRedis } from '../../../tools/redis-server.ts';

const TIMEOUT_MS = 60_000;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'lazarus-daemon-'));
  cleanups.push(() => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
  mkdirSync(join(path, 'config', 'rules'), { recursive: true });
  mkdirSync(join(path, 'config', 'services'), { recursive: true });
  writeFileSync(join(path, 'token'), 'a-token-for-the-pager\n');
  writeFileSync(
    join(path, 'config', 'services', 'web.yaml'),
    'service: web\nteam: storefront\nprofile: stateless\n',
  );
  return path;
}

function writeSettings(
  path: string,
  urls: { readonly region: string; readonly pager: string },
  extra = '',
): string {
  const file = join(path, 'lazarus.yaml');
  writeFileSync(
    file,
    `region: us-east-1
listen: { port: 0 }
nodes:
  - { id: a, zone: us-east-1a }
  - { id: b, zone: us-east-1b }
  - { id: c, zone: us-east-1c }
provider: { endpoint: '${urls.region}' }
pager: { url: '${urls.pager}', from: lazarus@example.com, responders: [lazarus], token_file: token }
${extra}`,
  );
  return file;
}

async function startWorld(
  extra = '',
  log: Logger = silentLogger,
): Promise<{ readonly daemon: Daemon; readonly path: string }> {
  const path = directory();
  const region = await createRegion({ services: [{ name: 'web', hosts: 3 }] });
  cleanups.push(() => region.close());
  const pager = await createPager();
  cleanups.push(() => pager.close());
  const daemon = await startDaemon(
    readSettings(writeSettings(path, { region: region.endpoint, pager: pager.endpoint }, extra)),
    log,
  );
  cleanups.push(() => daemon.close());
  return { daemon, path };
}

const post = (daemon: Daemon, body: string) =>
  fetch(`${daemon.url}/v1/events`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });

describe('the daemon', () => {
  it(
    'S15: keeps the last good configuration when a rule is broken, names line and column, and takes the repaired one',
    { timeout: TIMEOUT_MS },
    async () => {
      const { daemon, path } = await startWorld();
      const good = daemon.snapshot.digest;
      const rule = join(path, 'config', 'rules', 'overload.yaml');
      writeFileSync(
        rule,
        'name: overload\ncriteria:\n  event_type: NagiosServiceAlarm\nacton: notify_only\n',
      );
      expect(await daemon.reload()).toBe(false);
      expect(daemon.snapshot.digest).toBe(good);
      writeFileSync(
        rule,
        'name: overload\ndescription: high load\ncriteria:\n  event_type: NagiosServiceAlarm\naction: notify_only\n',
      );
      expect(await daemon.reload()).toBe(true);
      expect(daemon.snapshot.digest).not.toBe(good);
      expect(daemon.snapshot.summary.rules).toContain('overload');
    },
  );

  it(
    'S7, S15: takes a reload that lowers max_services, and refuses one of another window: it says to restart, and keeps the digest',
    { timeout: TIMEOUT_MS },
    async () => {
      const log = createRecordingLogger();
      const { daemon, path } = await startWorld('', log);
      const settings = join(path, 'config', 'settings.yaml');
      writeFileSync(settings, 'breaker: { max_services: 2 }\n');
      expect(await daemon.reload()).toBe(true);
      const good = daemon.snapshot.digest;
      writeFileSync(settings, 'breaker: { max_services: 2, window: 5m }\n');
      expect(await daemon.reload()).toBe(false);
      expect(daemon.snapshot.digest).toBe(good);
      expect(JSON.stringify(log.lines)).toMatch(/was refused.*window 600 s to 300 s.*restart the node/);
    },
  );

  it('S15: reloads one at a time: two asked for meanwhile are one', { timeout: TIMEOUT_MS }, async () => {
    const { daemon, path } = await startWorld();
    const before = daemon.snapshot.digest;
    const first = daemon.reload();
    writeFileSync(join(path, 'config', 'settings.yaml'), 'breaker: { max_services: 3 }\n');
    const second = daemon.reload();
    expect(second).not.toBe(first);
    expect(daemon.reload()).toBe(second);
    expect(await Promise.all([first, second])).toEqual([true, true]);
    expect(daemon.snapshot.digest).not.toBe(before);
  });

  it(
    'refuses malformed events with the path of each problem, and lives',
    { timeout: TIMEOUT_MS },
    async () => {
      const { daemon } = await startWorld();
      const notJson = await post(daemon, '{"id": ');
      expect(notJson.status).toBe(400);
      const wrong = await post(
        daemon,
        JSON.stringify({ id: 'x', event_typ: 'HealthcheckDown', source: 's' }),
      );
      expect(wrong.status).toBe(400);
      const text = JSON.stringify(await wrong.json());
      expect(text).toContain('event_typ');
      expect(text).toContain('did you mean');
      const bomb = await post(daemon, '['.repeat(100_000));
      expect(bomb.status).toBe(400);
      expect((await fetch(`${daemon.url}/readyz`)).status).toBe(200);
    },
  );

  it(
    'shows an empty list of decisions, and says so for an id that does not exist',
    { timeout: TIMEOUT_MS },
    async () => {
      const { daemon } = await startWorld();
      expect(await (await fetch(`${daemon.url}/v1/decisions`)).json()).toMatchObject({ decisions: [] });
      expect((await fetch(`${daemon.url}/v1/decisions/nothing`)).status).toBe(404);
    },
  );

  it(
    'does not start with a broken rule, and names file, line and column',
    { timeout: TIMEOUT_MS },
    async () => {
      const path = directory();
      writeFileSync(
        join(path, 'config', 'rules', 'bad.yaml'),
        'name: bad\ncriteria:\n  event_type: X\nprechecks:\n  - checkName: MinActiveHost\nworkflow: { name: default.replace_host }\n',
      );
      const settings = readSettings(
        writeSettings(path, { region: 'http://127.0.0.1:9', pager: 'http://127.0.0.1:9' }),
      );
      await expect(startDaemon(settings, silentLogger)).rejects.toThrow(
        /rules\/bad\.yaml:5:\d+ .*MinActiveHost.*did you mean.*MinActiveHosts/s,
      );
    },
  );
});

describe('a state directory', () => {
  it('is not shared with another process that lives', { timeout: TIMEOUT_MS }, async () => {
    const path = directory();
    mkdirSync(join(path, 'state'));
    writeFileSync(join(path, 'state', 'daemon.pid'), String(process.ppid));
    const settings = readSettings(
      writeSettings(path, { region: 'http://127.0.0.1:9', pager: 'http://127.0.0.1:9' }),
    );
    await expect(startDaemon(settings, silentLogger)).rejects.toThrow(`process ${process.ppid} uses`);
  });

  it('S14: keeps every pause of many that are set at the same time', { timeout: TIMEOUT_MS }, async () => {
    const { daemon, path } = await startWorld();
    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        fetch(`${daemon.url}/v1/pauses`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            scope: { service: `s${index}` },
            author: 'ada',
            reason: 'drill',
            until: new Date(Date.now() + 600_000).toISOString(),
          }),
        }),
      ),
    );
    expect(replies.map(({ ok }) => ok)).not.toContain(false);
    const kept = JSON.parse(readFileSync(join(path, 'state', 'pauses.json'), 'utf8')) as unknown[];
    expect(kept).toHaveLength(10);
  });
});

describe('settings', () => {
  it('are refused with line, column and a suggestion', () => {
    const path = directory();
    const file = writeSettings(
      path,
      { region: 'http://127.0.0.1:9', pager: 'http://127.0.0.1:9' },
      'enigne: { lease: 10s }\n',
    );
    expect(() => readSettings(file)).toThrow(/lazarus\.yaml:9:1 .*enigne.*did you mean.*engine/s);
  });

  it('S18: are refused when the API would listen beyond this machine without tokens', () => {
    const path = directory();
    const file = writeSettings(path, { region: 'http://127.0.0.1:9', pager: 'http://127.0.0.1:9' });
    writeFileSync(
      file,
      `region: us-east-1\nlisten: { host: 0.0.0.0 }\nnodes: [{ id: a, zone: z }]\npager: { from: lazarus@example.com, responders: [lazarus], token_file: token }\n`,
    );
    expect(() => readSettings(file)).toThrow(/auth/);
  });
});

describe.skipIf(whyNoRedis() !== undefined)(withRedis('two daemons over one Redis'), () => {
  it(
    'S11, S14: share a pause, are paused while Redis is stopped, say so, and still take events',
    { timeout: TIMEOUT_MS },
    async () => {
      const redis = await startRedis();
      cleanups.push(() => redis.stop());
      const shared = `shared_state: { kind: redis, url: '${redis.url}', grace: 0s }\n`;
      const [{ daemon: a }, { daemon: b }] = [await startWorld(shared), await startWorld(shared)];
      const acting = async (daemon: Daemon) => (await fetch(`${daemon.url}/readyz/act`)).status;
      await expect.poll(() => acting(a), { timeout: 20_000 }).toBe(200);
      const set = await fetch(`${a.url}/v1/pauses`, {
        method: 'POST',
        body: JSON.stringify({ scope: {}, author: 'ada', reason: 'storm', for: '1h' }),
        headers: { 'content-type': 'application/json' },
      });
      expect(set.ok).toBe(true);
      const listed = async () => (await fetch(`${b.url}/v1/pauses`)).json();
      await expect
        .poll(listed, { timeout: 20_000 })
        .toMatchObject({ pauses: [{ author: 'ada', reason: 'storm' }] });
      redis.pause();
      expect(await acting(b)).toBe(503);
      // A load balancer still sends it events: they must be counted and recorded.
      const health = await fetch(`${b.url}/readyz`);
      expect(health.status).toBe(200);
      expect(await health.json()).toMatchObject({ ready: true, acts: false });
      const taken = await post(
        b,
        JSON.stringify({
          id: 'while-away',
          event_type: 'HealthcheckDown',
          source: 'test',
          time: new Date().toISOString(),
          region: 'us-east-1',
          environment: 'stage',
          service: 'web',
          host: 'web-1',
        }),
      );
      expect(taken.status, await taken.text()).toBe(202);
      redis.resume();
      await expect.poll(() => acting(b), { timeout: 20_000 }).toBe(200);
    },
  );
});
