import type { LazarusEvent } from '@lazarus/core';
import { parseEvent } from '@lazarus/core';
import { createHealthcheckSensor } from '@lazarus/sensors-http';
import type { HealthcheckSensor, HealthcheckSensorPorts, PageRequest } from '@lazarus/sensors-http';
import {
  aHost,
  createFakeFleet,
  createFakeHealthProbe,
  createManualClock,
  createRecordingLogger,
  createSequentialIds,
} from '@lazarus/testing';
import { afterEach, describe, expect, it } from 'vitest';

const sensors: HealthcheckSensor[] = [];

afterEach(async () => {
  await Promise.all(sensors.splice(0).map((sensor) => sensor.close()));
});

type Options = Partial<Parameters<typeof createHealthcheckSensor>[0]>;

function aSensor(options: Options = {}, overrides: Partial<HealthcheckSensorPorts> = {}) {
  const clock = createManualClock();
  const fleet = createFakeFleet({ clock, hosts: [aHost(), aHost({ hostId: 'i-web2', zone: 'us-east-1b' })] });
  const probe = createFakeHealthProbe({ clock, zone: 'us-east-1a' });
  const log = createRecordingLogger();
  const events: LazarusEvent[] = [];
  const pages: PageRequest[] = [];
  const sensor = createHealthcheckSensor(
    { services: ['web'], ...options },
    {
      clock,
      fleet,
      probe,
      log,
      ids: createSequentialIds(),
      deposit: async (event) => void events.push(event),
      openPage: async (page) => void pages.push(page),
      ...overrides,
    },
  );
  sensors.push(sensor);
  return { clock, fleet, probe, log, events, pages, sensor };
}

const round = 10_000;

describe('a host that stops answering', () => {
  it('makes one page and one event with the same incident key after 3 failures, 20 s after the first', async () => {
    const { clock, probe, events, pages } = aSensor();
    probe.set('i-web1', 'unreachable');
    await clock.advance(2 * round - 1);
    expect([events, pages]).toEqual([[], []]);
    await clock.advance(1);
    expect(events).toHaveLength(1);
    expect(pages).toEqual([
      {
        incidentKey: 'healthcheck/i-web1/incident-1',
        summary: 'web1 of web failed 3 healthchecks in a row: set to unreachable from us-east-1a',
        service: 'web',
        host: 'i-web1',
      },
    ]);
    expect(events[0]).toEqual({
      id: 'incident-1',
      event_type: 'HealthcheckDown',
      source: 'healthcheck-sensor/us-east-1a',
      time: new Date(clock.now()).toISOString(),
      region: 'us-east-1',
      environment: 'prod',
      account: '111122223333',
      service: 'web',
      host: 'i-web1',
      incident_key: 'healthcheck/i-web1/incident-1',
      summary: pages[0]?.summary,
      attributes: {
        failures: 3,
        status: 'unreachable',
        zone: 'us-east-1a',
        host_name: 'web1',
        url: 'http://i-web1.invalid/health',
      },
    });
    expect(parseEvent(events[0], { knownTypesOnly: true })).toEqual({ ok: true, event: events[0] });
  });

  it('is reported once however long it stays down', async () => {
    const { clock, probe, events, pages } = aSensor();
    probe.set('i-web1', 'unhealthy');
    await clock.advance(50 * round);
    expect([events.length, pages.length]).toEqual([1, 1]);
  });

  it('is not reported when 2 failures are followed by a healthy answer, however often', async () => {
    const { clock, probe, events } = aSensor();
    await clock.settle();
    for (let time = 0; time < 5; time += 1) {
      probe.set('i-web1', 'unhealthy');
      await clock.advance(2 * round);
      probe.set('i-web1', 'healthy');
      await clock.advance(round);
    }
    expect(events).toEqual([]);
  });

  it('that hangs counts as unreachable after the probe timeout', async () => {
    const { clock, probe, events } = aSensor();
    probe.set('i-web1', 'hangs');
    await clock.advance(2 * round + 2_000);
    expect(events.map(({ attributes }) => attributes['status'])).toEqual(['unreachable']);
  });

  it('does not hide another one: each has its own incident', async () => {
    const { clock, probe, events } = aSensor();
    probe.setDefault('unhealthy');
    await clock.advance(2 * round);
    expect(events.map(({ host, incident_key: key }) => [host, key])).toEqual([
      ['i-web1', 'healthcheck/i-web1/incident-1'],
      ['i-web2', 'healthcheck/i-web2/incident-2'],
    ]);
  });
});

describe('a recovery', () => {
  it('needs 2 healthy answers in a row; a flapping host stays one incident', async () => {
    const { clock, probe, events } = aSensor();
    probe.set('i-web1', 'unhealthy');
    await clock.advance(2 * round);
    for (let time = 0; time < 5; time += 1) {
      probe.set('i-web1', 'healthy');
      await clock.advance(round);
      probe.set('i-web1', 'unhealthy');
      await clock.advance(4 * round);
    }
    expect(events).toHaveLength(1);
  });

  it('makes the next failure a new incident with a new key', async () => {
    const { clock, probe, events, pages } = aSensor();
    probe.set('i-web1', 'unhealthy');
    await clock.advance(2 * round);
    probe.set('i-web1', 'healthy');
    await clock.advance(2 * round);
    probe.set('i-web1', 'unhealthy');
    await clock.advance(3 * round);
    expect(events.map(({ id }) => id)).toEqual(['incident-1', 'incident-2']);
    expect(new Set(pages.map(({ incidentKey }) => incidentKey)).size).toBe(2);
  });
});

describe('a replacement with the same name', () => {
  it('starts afresh: it is another incarnation', async () => {
    const { clock, fleet, probe, events } = aSensor();
    probe.set('i-web1', 'unhealthy');
    await clock.advance(2 * round);
    fleet.remove('i-web1');
    fleet.put(aHost({ hostId: 'i-web3', name: 'web1' }));
    probe.set('i-web3', 'unhealthy');
    await clock.advance(2 * round);
    expect(events.map(({ host }) => host)).toEqual(['i-web1']);
    await clock.advance(round);
    expect(events.map(({ host }) => host)).toEqual(['i-web1', 'i-web3']);
  });
});

describe('the hosts that are probed', () => {
  it('are managed, active, and in the load balancer or running', async () => {
    const { clock, fleet, probe } = aSensor();
    fleet.put(
      aHost({ hostId: 'i-unmanaged', managed: false }),
      aHost({ hostId: 'i-launching', lifecycle: 'launching' }),
      aHost({ hostId: 'i-removing', lifecycle: 'removing' }),
      aHost({ hostId: 'i-forensics', lifecycle: 'forensics' }),
      aHost({ hostId: 'i-pending', inLoadBalancer: false, state: 'pending' }),
      aHost({ hostId: 'i-standby', inLoadBalancer: false }),
      aHost({ hostId: 'i-stopped', state: 'stopped' }),
      aHost({ hostId: 'i-other', service: 'api' }),
    );
    await clock.advance(round);
    expect(new Set(probe.probed)).toEqual(new Set(['i-web1', 'i-web2', 'i-standby', 'i-stopped']));
  });

  it('keep their incident while they are being replaced, so a run that gives up makes no second one', async () => {
    const { clock, fleet, probe, events } = aSensor();
    probe.set('i-web1', 'unhealthy');
    await clock.advance(2 * round);
    fleet.put(aHost({ lifecycle: 'removing' }));
    await clock.advance(2 * round);
    fleet.put(aHost());
    await clock.advance(5 * round);
    expect(events).toHaveLength(1);
  });

  it('without a healthcheck are named in the log once', async () => {
    const { clock, fleet, log } = aSensor();
    const { healthUrl: _, ...host } = aHost({ hostId: 'i-mute' });
    fleet.put(host);
    await clock.advance(3 * round);
    expect(log.lines.filter(({ message }) => message.includes('no healthcheck'))).toHaveLength(1);
  });

  it('are never more than the bound at the same time', async () => {
    let underWay = 0;
    let most = 0;
    const clock = createManualClock();
    const hosts = Array.from({ length: 20 }, (_, index) => aHost({ hostId: `i-${index}` }));
    const probe: HealthcheckSensorPorts['probe'] = {
      zone: 'a',
      probe: async () => {
        underWay += 1;
        most = Math.max(most, underWay);
        await clock.sleep(100);
        underWay -= 1;
        return { status: 'healthy', latencyMs: 100, detail: 'ok' };
      },
    };
    aSensor({ maxConcurrentProbes: 4 }, { clock, probe, fleet: createFakeFleet({ clock, hosts }) });
    await clock.advance(600);
    expect(most).toBe(4);
  });
});

describe('not knowing', () => {
  it('is no failure: a probe that breaks counts as nothing', async () => {
    const broken = { zone: 'a', probe: () => Promise.reject(new Error('no sockets left')) };
    const { clock, events, log } = aSensor({}, { probe: broken });
    await clock.advance(10 * round);
    expect(events).toEqual([]);
    expect(log.lines.some(({ message }) => message.includes('a probe broke'))).toBe(true);
  });

  it('of the fleet leaves the hosts of the last listing watched', async () => {
    const { clock, fleet, probe, events } = aSensor();
    await clock.advance(round);
    fleet.fail('throttled');
    probe.set('i-web1', 'unhealthy');
    await clock.advance(3 * round);
    expect(events.map(({ host }) => host)).toEqual(['i-web1']);
  });

  it('of a part of the fleet forgets nobody', async () => {
    const { clock, fleet, probe, events } = aSensor();
    probe.set('i-web1', 'unhealthy');
    await clock.advance(2 * round);
    fleet.truncate(true);
    fleet.remove('i-web1');
    await clock.advance(2 * round);
    fleet.put(aHost());
    fleet.truncate(false);
    await clock.advance(5 * round);
    expect(events).toHaveLength(1);
  });
});

describe('a pager or a stream that fails', () => {
  it('never stops the other one: the event is deposited while the pager is away', async () => {
    const openPage = () => Promise.reject(new Error('pager away'));
    const { clock, probe, events } = aSensor({}, { openPage });
    probe.set('i-web1', 'unhealthy');
    await clock.advance(2 * round);
    expect(events).toHaveLength(1);
  });

  it('that hangs never stops the other one', async () => {
    const { clock, probe, pages } = aSensor({}, { deposit: () => new Promise(() => {}) });
    probe.set('i-web1', 'unhealthy');
    await clock.advance(2 * round);
    expect(pages).toHaveLength(1);
  });

  it('is tried again after 0.5 s, 1 s, 2 s, … with the same event, until it is taken', async () => {
    const attempts: [string, number][] = [];
    const clock = createManualClock();
    const begin = clock.monotonic() + 2 * round;
    const deposit = async ({ id }: LazarusEvent): Promise<void> => {
      attempts.push([id, clock.monotonic() - begin]);
      if (attempts.length < 5) throw new Error('stream away');
    };
    const fleet = createFakeFleet({ clock, hosts: [aHost()] });
    const probe = createFakeHealthProbe({ clock, zone: 'a' });
    probe.setDefault('unhealthy');
    const { pages } = aSensor({}, { clock, fleet, probe, deposit });
    await clock.advance(10 * round);
    expect(attempts).toEqual([0, 500, 1_500, 3_500, 7_500].map((afterMs) => ['incident-1', afterMs]));
    expect(pages).toHaveLength(1);
  });

  it('is no longer tried once the host has recovered', async () => {
    let attempts = 0;
    const deposit = async (): Promise<never> => {
      attempts += 1;
      throw new Error('stream away');
    };
    const { clock, probe } = aSensor({}, { deposit });
    probe.set('i-web1', 'unhealthy');
    await clock.advance(2 * round);
    probe.set('i-web1', 'healthy');
    await clock.advance(2 * round);
    const before = attempts;
    await clock.advance(20 * round);
    expect([before > 1, attempts]).toEqual([true, before]);
  });
});

describe('close', () => {
  it('leaves no timer, also in the middle of probes, retries and hanging calls', async () => {
    const { clock, probe, sensor, events } = aSensor(
      {},
      { openPage: () => Promise.reject(new Error('away')), deposit: () => new Promise(() => {}) },
    );
    probe.set('i-web1', 'unhealthy');
    await clock.advance(2 * round);
    probe.set('i-web2', 'hangs');
    await clock.advance(round);
    await sensor.close();
    await sensor.close();
    expect(clock.pending).toBe(0);
    const probes = probe.probed.length;
    await clock.advance(10 * round);
    expect([probe.probed.length, events.length]).toEqual([probes, 0]);
  });
});

describe('options', () => {
  it('that are wrong are named', () => {
    expect(() => aSensor({ services: [] })).toThrow(/services/);
    expect(() => aSensor({ failure: 3 } as Options)).toThrow(/failures/);
  });
});
