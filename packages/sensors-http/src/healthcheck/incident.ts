import { describeError } from '@lazarus/core';
import { withTimeout } from '@lazarus/core/time';
import type { LazarusEvent } from '@lazarus/core';
import type { Clock, HealthReport, Host, Logger } from '@lazarus/core/ports';
import type { HealthcheckSensorSettings } from './options.ts';

/** What a page that the sensor opens says. */
export interface PageRequest {
  readonly incidentKey: string;
  readonly summary: string;
  readonly service: string;
  readonly host: string;
}

/** Where an incident is reported: two ways that know nothing of each other. */
export interface IncidentPorts {
  readonly clock: Clock;
  readonly log: Logger;
  /** Deposits into the region's stream; the same event again does no harm. */
  deposit(event: LazarusEvent): Promise<unknown>;
  /** Opens a page; the same incident key again does no harm. */
  openPage(page: PageRequest): Promise<unknown>;
}

/** The event of a host that failed. */
export function incidentEvent(
  host: Host,
  report: HealthReport,
  incident: {
    readonly id: string;
    readonly source: string;
    readonly failures: number;
    /** Wall time, milliseconds since 1970. */
    readonly nowMs: number;
    readonly zone: string;
  },
): LazarusEvent & { readonly incident_key: string; readonly summary: string } {
  const { id, source, failures, nowMs, zone } = incident;
  const { account, region, instanceId } = host.incarnation;
  const summary = `${host.name} of ${host.service} failed ${failures} healthchecks in a row: ${report.detail}`;
  return {
    id,
    event_type: 'HealthcheckDown',
    source,
    time: new Date(nowMs).toISOString(),
    region,
    environment: host.environment,
    account,
    service: host.service,
    host: host.hostId,
    incident_key: `healthcheck/${instanceId}/${id}`,
    summary: summary.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 1024),
    attributes: {
      failures,
      status: report.status,
      zone,
      host_name: host.name,
      ...(host.healthUrl === undefined ? {} : { url: host.healthUrl }),
    },
  };
}

/**
 * Opens the page and deposits the event, in parallel: neither waits for the other, and each is tried until it is done or
 * the incident has ended. A page that nobody touches escalates by itself, so either one alone reaches a person.
 *
 * @returns Settles, never rejects, when both are done or the signal aborts.
 */
export async function reportIncident(
  event: ReturnType<typeof incidentEvent>,
  settings: Pick<HealthcheckSensorSettings, 'callTimeoutMs' | 'retry'>,
  ports: IncidentPorts,
  signal: AbortSignal,
): Promise<void> {
  const { incident_key: incidentKey, summary, service, host = '' } = event;
  const persist = (what: string, call: () => Promise<unknown>): Promise<void> =>
    untilDone(what, incidentKey, call, settings, ports, signal);
  await Promise.all([
    persist('page', () => ports.openPage({ incidentKey, summary, service, host })),
    persist('event', () => ports.deposit(event)),
  ]);
}

async function untilDone(
  what: string,
  incidentKey: string,
  call: () => Promise<unknown>,
  { callTimeoutMs, retry }: Pick<HealthcheckSensorSettings, 'callTimeoutMs' | 'retry'>,
  { clock, log }: IncidentPorts,
  signal: AbortSignal,
): Promise<void> {
  const isOver = (): boolean => signal.aborted;
  for (let waitMs = retry.firstMs; !isOver(); waitMs = Math.min(waitMs * 2, retry.longestMs)) {
    try {
      await withTimeout(clock, callTimeoutMs, signal, call);
      return;
    } catch (error) {
      if (isOver()) return;
      log.warn(`the ${what} of an incident was not taken; trying again`, {
        incident_key: incidentKey,
        error: describeError(error),
        wait_ms: waitMs,
      });
    }
    await clock.sleep(waitMs, { signal }).catch(() => undefined);
  }
}
