import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunView } from '@lazarus/core/ports';
import { afterEach, describe, expect, it } from 'vitest';
import { poll, requestJson } from '../src/world/http.ts';
import { createViews } from '../src/world/views.ts';
import { startWorld } from '../src/world/world.ts';
import type { World } from '../src/world/world.ts';

const TIMEOUT_MS = 240_000;
const opened: { world?: World; path: string }[] = [];

afterEach(async () => {
  for (const { world, path } of opened.splice(0)) {
    await world?.close();
    rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  }
});

async function openWorld(): Promise<World> {
  const entry: { world?: World; path: string } = { path: mkdtempSync(join(tmpdir(), 'lazarus-crash-')) };
  opened.push(entry);
  entry.world = await startWorld({ stateDir: entry.path, port: 0, withoutSensor: true });
  return entry.world;
}

/** Kills a host, opens its page and sends the event, as the sensor would. */
async function failHost(
  world: World,
  host: { readonly id: string; readonly name: string; readonly tags: Readonly<Record<string, string>> },
): Promise<string> {
  const incidentKey = `test/${host.id}`;
  await requestJson(`${world.region.url}/_sim/hosts/${host.id}/kill`, { body: {} });
  await requestJson(`${world.pager.url}/v2/enqueue`, {
    body: {
      routing_key: world.pager.routingKey,
      event_action: 'trigger',
      dedup_key: incidentKey,
      payload: { summary: 'down', source: 'test', severity: 'critical' },
    },
  });
  await requestJson(`${world.controller.url}/v1/events`, {
    body: {
      id: incidentKey,
      event_type: 'HealthcheckDown',
      source: 'test',
      time: new Date().toISOString(),
      region: world.regionName,
      environment: host.tags['environment'],
      service: 'web',
      host: host.id,
      incident_key: incidentKey,
      attributes: {},
    },
  });
  return incidentKey;
}

const done = (run: RunView | undefined): string[] =>
  (run?.steps ?? []).filter(({ status }) => status === 'succeeded').map(({ step }) => step);

describe('kill -9 of the controller', () => {
  it(
    'S1, S10, S12: after every step of the run leaves one replacement, no repeated step, and a resolved page',
    { timeout: TIMEOUT_MS },
    async () => {
      const world = await openWorld();
      const views = createViews(world);
      const [victim] = await views.hosts('web');
      if (victim === undefined) throw new Error('no host');
      const incidentKey = await failHost(world, victim);
      const record = await poll(
        async () => (await views.decisions('web')).find(({ decision }) => decision.kind === 'remediate'),
        { withinMs: 30_000, everyMs: 20 },
      );
      const runId = record?.decision.kind === 'remediate' ? record.decision.run_id : '';
      expect(runId).not.toBe('');

      let seen: string[] = [];
      let kills = 0;
      for (;;) {
        // The next boundary: at least one more step has ended than at the last kill.
        const run = await poll(
          async () => {
            const now = await views.run(runId);
            return now !== undefined && (now.status !== 'running' || done(now).length > seen.length)
              ? now
              : undefined;
          },
          { withinMs: 60_000, everyMs: 20 },
        );
        if (run?.status !== 'running') break;
        expect(done(run)).toEqual(expect.arrayContaining(seen));
        seen = done(run);
        kills += 1;
        await world.restartController();
      }

      const run = await views.run(runId);
      expect(run, JSON.stringify(run?.error)).toMatchObject({ status: 'succeeded', page: 'resolved' });
      // acknowledge, out_of_lb and clone side by side, booted, verify, into_lb, in_service, forensics, resolve
      // Steps that end side by side, or within one poll, share a boundary.
      expect(kills).toBeGreaterThanOrEqual(4);
      expect(await views.launches()).toBe(1);
      expect((await views.pages()).find(({ incident_key }) => incident_key === incidentKey)?.status).toBe(
        'resolved',
      );
      const hosts = await views.hosts('web');
      expect(hosts.find(({ id }) => id === victim.id)?.tags['lazarus:state']).toBe('forensics');
      expect(hosts.filter(({ target_health }) => target_health['web'] === 'healthy')).toHaveLength(5);
    },
  );

  it(
    'S11, L2: while it decides leaves exactly one decision and one replacement',
    { timeout: TIMEOUT_MS },
    async () => {
      const world = await openWorld();
      const views = createViews(world);
      const [victim] = await views.hosts('web');
      if (victim === undefined) throw new Error('no host');
      await failHost(world, victim);
      // The hold-down of 1 s is not over: the event was accepted and nothing was decided.
      await world.restartController();
      const record = await poll(async () => (await views.decisions('web')).at(0), { withinMs: 40_000 });
      expect(record?.decision.kind).toBe('remediate');
      const runId = record?.decision.kind === 'remediate' ? record.decision.run_id : '';
      const run = await poll(
        async () => {
          const now = await views.run(runId);
          return now?.status === 'running' ? undefined : now;
        },
        { withinMs: 60_000 },
      );
      expect(run, JSON.stringify(run?.error)).toMatchObject({ status: 'succeeded', page: 'resolved' });
      expect(await views.decisions('web')).toHaveLength(1);
      expect(await views.launches()).toBe(1);
    },
  );
});
