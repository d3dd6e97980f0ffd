import type { Host } from './fleet.ts';

/** Result of one probe of one host's healthcheck, from one zone. */
export interface HealthReport {
  /** `healthy`: answered OK. `unhealthy`: answered that it is not OK. `unreachable`: no answer in time. */
  readonly status: 'healthy' | 'unhealthy' | 'unreachable';
  readonly latencyMs: number;
  /** One line for people: status code, failing checks, or the network error. */
  readonly detail: string;
}

/** Probes healthchecks from the zone in which this node runs. */
export interface HealthProbe {
  /** The availability zone that the probe looks from. */
  readonly zone: string;
  /**
   * Never rejects for a host that is down: that is a result. Rejects with the signal's reason when aborted.
   *
   * @throws PortError `LZ_PROBE_REFUSED` when there is no URL that may be called: that says nothing about the host.
   */
  probe(
    host: Host,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<HealthReport>;
}
