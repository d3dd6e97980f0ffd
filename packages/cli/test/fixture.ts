import type { DecisionRecord, GateRecord } from '@lazarus/core';
import { LADDER } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';
import { aRecord as aPlainRecord, aRun as aPlainRun } from '@lazarus/testing';

/** One gate of a record. */
export function aGate(overrides: Partial<GateRecord> & Pick<GateRecord, 'gate'>): GateRecord {
  return {
    number: LADDER.findIndex(({ id }) => id === overrides.gate) + 1,
    verdict: 'pass',
    reason: 'fine',
    evidence: {},
    at: '2026-01-01T00:00:00.000Z',
    duration_ms: 3,
    ...overrides,
  };
}

/** All gates, passed. */
export function allGates(): readonly GateRecord[] {
  return LADDER.map(({ id }) => aGate({ gate: id }));
}

/** A decision to remediate that walked the whole ladder. */
export function aRecord(overrides: Partial<DecisionRecord> = {}): DecisionRecord {
  return aPlainRecord({
    config_digest: 'c0ffeec0ffeec0ffee',
    decided_at: '2026-01-01T00:00:12.400Z',
    gates: allGates(),
    votes: {
      yes: 2,
      required: 2,
      members: 3,
      cast: [
        {
          voter: 'a',
          zone: 'us-east-1a',
          verdict: 'yes',
          durationMs: 12,
          checks: [
            { check: 'MinActiveHosts', verdict: 'pass', durationMs: 1 },
            { check: 'HealthCheckDown', verdict: 'pass', durationMs: 9 },
          ],
        },
        {
          voter: 'b',
          zone: 'us-east-1b',
          verdict: 'no',
          durationMs: 14,
          checks: [{ check: 'HealthCheckDown', verdict: 'fail', reason: 'healthy from here', durationMs: 9 }],
        },
      ],
      voided: [{ voter: 'c', reason: 'late', detail: '40 ms after the end' }],
    },
    ...overrides,
  });
}

/** A run that ended well. */
export function aRun(overrides: Partial<RunView> = {}): RunView {
  return aPlainRun({
    host_id: 'i-1',
    page: 'resolved',
    started_at: '2026-01-01T00:00:12.400Z',
    ended_at: '2026-01-01T00:00:21.400Z',
    deadline_at: '2026-01-01T00:30:12.400Z',
    steps: [
      {
        step: 'clone',
        uses: 'host.clone',
        status: 'succeeded',
        attempts: 2,
        started_at: '2026-01-01T00:00:13.000Z',
        ended_at: '2026-01-01T00:00:14.250Z',
        idempotency_key: 'k',
      },
      { step: 'resolve', uses: 'page.resolve', status: 'succeeded', attempts: 1, idempotency_key: 'k2' },
    ],
    ...overrides,
  });
}
