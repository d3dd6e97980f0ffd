import type { LazarusEvent } from '@lazarus/core';

/** Builds a valid event about host `web-1`; every part can be changed, and `undefined` removes an optional one. */
export function anEvent(
  overrides: { readonly [K in keyof LazarusEvent]?: LazarusEvent[K] | undefined } = {},
): LazarusEvent {
  const event: LazarusEvent = {
    id: 'evt-1',
    event_type: 'NagiosHostAlarm',
    source: 'nagios',
    time: '2026-01-01T00:00:00Z',
    region: 'us-east-1',
    environment: 'prod',
    account: '111122223333',
    service: 'web',
    host: 'web1',
    incident_key: 'web/web1',
    attributes: { host_state_type: 'HARD' },
  };
  const merged = Object.entries({ ...event, ...overrides }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(merged) as LazarusEvent;
}
