import type { RunRequest } from '@lazarus/core/ports';

/** The request of the crash tests; no waiting between the probes. */
export function aCrashRequest(): RunRequest {
  return {
    runId: 'run-1',
    workflow: 'default.replace_host',
    inputs: { consecutive_ok: 1 },
    event: {
      id: 'e1',
      event_type: 'HealthcheckDown',
      source: 'test',
      time: '2026-01-01T00:00:00Z',
      region: 'us-east-1',
      environment: 'prod',
      service: 'web',
      host: 'i-old',
      incident_key: 'INC-1',
      attributes: {},
    },
    rule: 'host_down',
    configDigest: 'digest',
    service: 'web',
    hostId: 'i-old',
    incidentKey: 'INC-1',
    lock: { kind: 'host', service: 'web', host: 'i-old' },
    timeoutMs: 30 * 60_000,
  };
}
