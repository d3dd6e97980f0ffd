import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { startNagios, whyNoNagios } from '../../../tools/nagios-server.ts';
import { poll, requestJson } from '../src/world/http.ts';
import { createViews } from '../src/world/views.ts';
import { startWorld } from '../src/world/world.ts';

const TIMEOUT_MS = 240_000;
const CLI = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url));
const why = whyNoNagios();
const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function directory(prefix: string): string {
  const path = mkdtempSync(join(tmpdir(), prefix));
  cleanups.push(() => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
  return path;
}

interface RegionHost {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  readonly port: number;
  readonly tags: Readonly<Record<string, string>>;
}

describe.skipIf(why !== undefined)(
  `a real Nagios over a simulated region${why === undefined ? '' : ` (skipped: ${why})`}`,
  () => {
    it(
      'drives one replacement by its event handler alone, and soft states and repeated alarms change nothing',
      { timeout: TIMEOUT_MS },
      async () => {
        const world = await startWorld({
          stateDir: directory('lazarus-nagios-'),
          port: 0,
          withoutSensor: true,
        });
        cleanups.push(() => world.close());
        const views = createViews(world);
        const state = await requestJson<{ readonly instances: readonly RegionHost[] }>(
          `${world.region.url}/_sim/state`,
        );
        const hosts = state.instances.filter(({ service }) => service === 'web');
        const incidentKey = (host: RegionHost): string => `nagios/${host.id}`;
        const nagios = await startNagios({
          dir: directory('lz-'),
          hosts: hosts.map((host) => ({
            name: host.name,
            port: host.port,
            instanceId: host.id,
            service: 'web',
            region: world.regionName,
            environment: host.tags['environment'] ?? '',
            incidentKey: incidentKey(host),
          })),
          handlerCommand: [
            process.execPath,
            '--conditions=@lazarus/source',
            CLI,
            '--url',
            world.controller.url,
            'emit',
            '--nagios',
          ],
        });
        cleanups.push(() => nagios.stop());

        const victim = hosts[1];
        if (victim === undefined) throw new Error('the region has no second host');
        // The pager hears of it in parallel, as it would from the notification command.
        await requestJson(`${world.pager.url}/v2/enqueue`, {
          body: {
            routing_key: world.pager.routingKey,
            event_action: 'trigger',
            dedup_key: incidentKey(victim),
            payload: { summary: `${victim.name} is DOWN`, source: 'nagios', severity: 'critical' },
          },
        });
        await requestJson(`${world.region.url}/_sim/hosts/${victim.id}/kill`, { body: {} });

        const page = await poll(
          async () =>
            (await views.pages()).find(
              (one) => one.incident_key === incidentKey(victim) && one.status === 'resolved',
            ),
          { withinMs: 120_000, everyMs: 250 },
        );
        expect(page, nagios.handlerLog()).toMatchObject({ status: 'resolved' });
        expect(nagios.log()).toMatch(/SOFT/);
        const decisions = await views.decisions('web');
        expect(decisions.filter(({ decision }) => decision.kind === 'remediate')).toHaveLength(1);
        expect(decisions.filter(({ decision }) => decision.kind === 'escalate')).toEqual([]);
        expect(decisions.every(({ event }) => JSON.stringify(event).includes('HARD'))).toBe(true);
        expect(await views.launches()).toBe(1);
        const old = (await views.hosts('web')).find(({ id }) => id === victim.id);
        expect(old?.tags['lazarus:state']).toBe('forensics');
      },
    );
  },
);
