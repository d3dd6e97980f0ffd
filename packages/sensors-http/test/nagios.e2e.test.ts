import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serve } from '@hono/node-server';
import type { LazarusEvent } from '@lazarus/core';
import { createSystemClock } from '@lazarus/core';
import { createIntake } from '@lazarus/sensors-http';
import { silentLogger } from '@lazarus/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNagios, whyNoNagios } from '../../../tools/nagios-server.ts';
import type { NagiosServer } from '../../../tools/nagios-server.ts';

const why = whyNoNagios();
const token = 'nagios-0123456789abcdef';
const cli = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));

/** A host whose only sign of life is `/health`. */
class SimulatedHost {
  #server: Server | undefined;
  port = 0;

  async start(): Promise<void> {
    this.#server = createServer((_request, response) => response.end('ok'));
    await new Promise<void>((resolve) => this.#server?.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.#server.address() as AddressInfo).port;
  }

  async kill(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
}

async function until(isTrue: () => boolean, what: string, withinMs = 40_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!isTrue()) {
    if (performance.now() > endMs) throw new Error(`${what} did not happen within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Alarms whose handler has ended and said what it did, one line each. */
function handled(handlerLog: string): readonly string[] {
  return handlerLog.split('\n').filter((line) => line !== '');
}

describe.skipIf(why !== undefined)(`a real Nagios${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  const hosts = { web1: new SimulatedHost(), web2: new SimulatedHost() };
  const events: LazarusEvent[] = [];
  let intake: ReturnType<typeof serve> | undefined;
  let nagios: NagiosServer | undefined;
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'lz-nagios-'));
    await Promise.all([hosts.web1.start(), hosts.web2.start()]);
    const stream = { deposit: async (event: LazarusEvent) => ({ position: String(events.push(event)) }) };
    const clock = createSystemClock();
    const { fetch } = createIntake({ auth: { tokens: [token] } }, { stream, clock, log: silentLogger });
    const url = await new Promise<string>((resolve) => {
      intake = serve({ fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) =>
        resolve(`http://127.0.0.1:${port}`),
      );
    });
    const host = { service: 'web', region: 'us-east-1', environment: 'prod', account: '111122223333' };
    nagios = await startNagios({
      dir,
      hosts: [
        { ...host, name: 'web-1', port: hosts.web1.port, instanceId: 'i-web1', incidentKey: 'web/web-1' },
        { ...host, name: 'web-2', port: hosts.web2.port, instanceId: 'i-web2', incidentKey: 'web/web-2' },
      ],
      handlerCommand: [
        process.execPath,
        '--conditions=@lazarus/source',
        cli,
        'emit',
        '--nagios',
        '--url',
        url,
      ],
      handlerEnv: { LAZARUS_TOKEN: token, LAZARUS_NAGIOS_NODE: 'nagios-a' },
    });
  }, 60_000);

  afterAll(async () => {
    await nagios?.stop();
    await Promise.all([hosts.web1.kill(), hosts.web2.kill()]);
    await new Promise((resolve) => (intake === undefined ? resolve(undefined) : intake.close(resolve)));
    await rm(dir, { recursive: true, force: true });
  });

  it('turns the alarms of one dead host into one event, and deposits nothing for soft states or the recovery', async () => {
    const { log, handlerLog } = nagios!;
    await hosts.web1.kill();
    await until(() => log().includes('HOST EVENT HANDLER: web-1;DOWN;HARD'), 'the hard state');
    await until(() => events.length > 0, 'the deposit');

    await hosts.web1.start();
    await until(() => log().includes('HOST EVENT HANDLER: web-1;UP;'), 'the recovery of the host');
    await until(() => log().includes('SERVICE EVENT HANDLER: web-1;healthcheck;OK;'), 'that of the check');
    const calls = log().match(/EVENT HANDLER: /g)?.length ?? 0;
    await until(() => handled(handlerLog()).length >= calls, `the end of all ${calls} handlers`);

    expect(events.map(({ event_type: type, host }) => [type, host])).toEqual([['NagiosHostAlarm', 'i-web1']]);
    expect(events[0]).toMatchObject({
      id: expect.stringMatching(/^host-\d{10}-\d+$/) as string,
      source: 'nagios/nagios-a',
      service: 'web',
      region: 'us-east-1',
      environment: 'prod',
      account: '111122223333',
      incident_key: 'web/web-1',
      attributes: { host_name: 'web-1', host_state: 'DOWN', host_state_type: 'HARD', host_attempt: 3 },
    });
    const reasons = handled(handlerLog()).join('\n');
    expect(reasons).toContain('soft state: web-1 is DOWN');
    expect(reasons).toContain('host alarm will follow: web-1 itself is DOWN');
    expect(reasons).toContain('recovery: web-1 is UP');
    expect(calls).toBeGreaterThanOrEqual(5);
  }, 120_000);
});
