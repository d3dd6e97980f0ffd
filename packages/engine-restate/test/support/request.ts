import type { RunRequest } from '@lazarus/core/ports';

let runs = 0;

/** A request that differs from every other one in its run. */
export function aRequest(workflow: string, overrides: Partial<RunRequest> = {}): RunRequest {
  runs += 1;
  return {
    runId: `desk-${runs}`,
    workflow,
    inputs: {},
    event: {
      id: 'e1',
      event_type: 'HostDown',
      source: 'test',
      time: '2026-01-01T00:00:00Z',
      region: 'r',
      environment: 'test',
      service: 'web',
      attributes: {},
    },
    rule: 'host_down',
    configDigest: 'digest',
    service: 'web',
    incidentKey: 'INC-1',
    lock: { kind: 'service', service: 'web' },
    timeoutMs: 60_000,
    ...overrides,
  };
}
