import type { DecisionRecord } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';

/** Builds the record of a decision to remediate host `web-1`; every part can be changed. */
export function aRecord(overrides: Partial<DecisionRecord> = {}): DecisionRecord {
  return {
    event_id: 'nagios/web-1/17',
    decision_id: 'd1234567890abcdef',
    region: 'us-east-1',
    environment: 'prod',
    service: 'web',
    host: 'web-1',
    event_type: 'NagiosHostAlarm',
    source: 'nagios',
    event: { id: 'web-1/17' },
    rule: 'host_down',
    config_digest: 'c0ffee',
    mode: 'act',
    coordinator: 'a',
    received_at: '2026-01-01T00:00:00.000Z',
    decided_at: '2026-01-01T00:00:01.000Z',
    decision: {
      kind: 'remediate',
      workflow: 'default.replace_host',
      run_id: 'd1234567890abcdef',
      votes: '3/3',
    },
    gates: [
      {
        gate: 'decode',
        number: 1,
        verdict: 'pass',
        reason: 'NagiosHostAlarm from nagios',
        evidence: {},
        at: '2026-01-01T00:00:00.000Z',
        duration_ms: 0.4,
      },
    ],
    page: { incident_key: 'web/web-1', action: 'acknowledged', detail: 'taken by Lazarus' },
    ...overrides,
  };
}

/** Builds the run of {@link aRecord}, which ended well; every part can be changed. */
export function aRun(overrides: Partial<RunView> = {}): RunView {
  return {
    run_id: 'd1234567890abcdef',
    workflow: 'default.replace_host',
    definition_digest: 'abc',
    service: 'web',
    status: 'succeeded',
    started_at: '2026-01-01T00:00:01.000Z',
    ended_at: '2026-01-01T00:00:21.000Z',
    deadline_at: '2026-01-01T00:30:01.000Z',
    outputs: {},
    steps: [],
    ...overrides,
  };
}
