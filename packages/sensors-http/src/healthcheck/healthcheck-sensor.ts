/**
 * Watches the healthchecks of a fleet and reports each failure once.
 *
 * Every round lists the hosts, probes those in active service and counts answers per incarnation. The third failure in a
 * row is an incident: a page is opened and a HealthcheckDown event deposited, with the same incident key and in parallel.
 * Then the sensor is quiet about that incarnation until it has answered well twice in a row.
 *
 * 1. An incident makes one event: retries send the same one.
 * 2. Not knowing is not a failure: a listing or a probe that breaks counts as nothing. Keeps S8.
 * 3. At most `maxConcurrentProbes` probes are under way, and the next round waits for the last one. Keeps L5.
 */
import { describeError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import { withTimeout } from '@lazarus/core/time';
import type { Fleet, HealthProbe, HealthReport, Ids } from '@lazarus/core/ports';
import type { z } from 'zod';
import { stepWatch } from './host-watch.ts';
import { incidentEvent, reportIncident } from './incident.ts';
import type { IncidentPorts } from './incident.ts';
import { HealthcheckSensorOptions } from './options.ts';
import type { HealthcheckSensorSettings } from './options.ts';
import { createWatchList } from './watch-list.ts';
import type { Watched } from './watch-list.ts';

/** What the sensor looks at and reports to. */
export interface HealthcheckSensorPorts extends IncidentPorts {
  readonly fleet: Pick<Fleet, 'list'>;
  readonly probe: HealthProbe;
  readonly ids: Ids;
}

/** A running sensor. */
export interface HealthcheckSensor {
  /** Stops probing and reporting; no timer and no call of its own is left when it resolves. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a sensor of healthchecks.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 * @example
 * ```ts
 * const sensor = createHealthcheckSensor(
 *   { services: ['web'] },
 *   { fleet, probe, clock, ids, log, deposit: (event) => stream.deposit(event), openPage },
 * );
 * ```
 */
export function createHealthcheckSensor(
  options: z.input<typeof HealthcheckSensorOptions>,
  ports: HealthcheckSensorPorts,
): HealthcheckSensor {
  const settings = parseOptions('createHealthcheckSensor', HealthcheckSensorOptions, options);
  const closing = new AbortController();
  const round = new ProbeRound(settings, ports, closing.signal);
  const running = keepWatching(round, settings, ports, closing.signal);
  return {
    async close() {
      closing.abort();
      await running;
      await round.reported();
    },
  };
}

async function keepWatching(
  round: ProbeRound,
  { intervalMs }: HealthcheckSensorSettings,
  { clock }: HealthcheckSensorPorts,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const startedMs = clock.monotonic();
    await round.run();
    const restMs = Math.max(0, intervalMs - (clock.monotonic() - startedMs));
    await clock.sleep(restMs, { signal }).catch(() => undefined);
  }
}

/** One round after the other over the same hosts. */
class ProbeRound {
  readonly #settings: HealthcheckSensorSettings;
  readonly #ports: HealthcheckSensorPorts;
  readonly #signal: AbortSignal;
  readonly #watchList = createWatchList();
  readonly #reports = new Set<Promise<void>>();

  constructor(settings: HealthcheckSensorSettings, ports: HealthcheckSensorPorts, signal: AbortSignal) {
    this.#settings = settings;
    this.#ports = ports;
    this.#signal = signal;
  }

  /** Settles when every report has ended. */
  async reported(): Promise<void> {
    await Promise.all(this.#reports);
  }

  async run(): Promise<void> {
    await Promise.all(this.#settings.services.map((service) => this.#list(service)));
    const due = this.#watchList.due().values();
    const lane = async (): Promise<void> => {
      for (const watched of due) {
        if (this.#signal.aborted) return;
        await this.#probe(watched);
      }
    };
    await Promise.all(Array.from({ length: this.#settings.maxConcurrentProbes }, lane));
  }

  /** A listing that fails leaves the hosts of the last one. */
  async #list(service: string): Promise<void> {
    const { clock, fleet, log } = this.#ports;
    try {
      const list = (signal: AbortSignal) => fleet.list(service, { signal });
      this.#watchList.update(await withTimeout(clock, this.#settings.callTimeoutMs, this.#signal, list));
    } catch (error) {
      if (!this.#signal.aborted)
        log.warn('the hosts of a service were not listed', { service, error: describeError(error) });
    }
  }

  async #probe(watched: Watched): Promise<void> {
    const { clock, log, probe } = this.#ports;
    const { host } = watched;
    if (host.healthUrl === undefined) {
      if (!watched.isReported) log.warn('a host has no healthcheck to probe', { host: host.hostId });
      watched.isReported = true;
      return;
    }
    const { probeTimeoutMs, callTimeoutMs } = this.#settings;
    try {
      // The probe keeps its own time; the outer limit is for one that does not.
      const report = await withTimeout(clock, probeTimeoutMs + callTimeoutMs, this.#signal, (signal) =>
        probe.probe(host, { timeoutMs: probeTimeoutMs, signal }),
      );
      this.#judge(watched, report);
    } catch (error) {
      if (!this.#signal.aborted)
        log.warn('a probe broke, which says nothing about the host', {
          host: host.hostId,
          error: describeError(error),
        });
    }
  }

  #judge(watched: Watched, report: HealthReport): void {
    const { state, verdict } = stepWatch(watched.watch, report.status, this.#settings);
    watched.watch = state;
    if (verdict === 'incident') this.#begin(watched, report);
    if (verdict === 'recovered') {
      watched.incident?.abort();
      watched.incident = undefined;
      this.#ports.log.info('a host recovered', { host: watched.host.hostId });
    }
  }

  #begin(watched: Watched, report: HealthReport): void {
    const { clock, ids, log, probe } = this.#ports;
    const event = incidentEvent(watched.host, report, {
      id: ids.next('incident'),
      source: `healthcheck-sensor/${this.#settings.name ?? probe.zone}`,
      failures: this.#settings.failures,
      nowMs: clock.now(),
      zone: probe.zone,
    });
    log.info('a host failed its healthchecks', { host: event.host, incident_key: event.incident_key });
    watched.incident = new AbortController();
    const untilEnd = AbortSignal.any([watched.incident.signal, this.#signal]);
    const reporting = reportIncident(event, this.#settings, this.#ports, untilEnd);
    this.#reports.add(reporting);
    void reporting.finally(() => this.#reports.delete(reporting));
  }
}
