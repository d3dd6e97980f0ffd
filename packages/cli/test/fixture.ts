import type { DecisionRecord, GateRecord } from '@lazarus/core';
import { LADDER } from '@lazarus/core';
import type { DryRunView, RunView } from '@lazarus/core/ports';
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

/** What a run would do, with everything that a step can say. */
export const DRY_RUN: DryRunView = {
  workflow: 'default.replace_host',
  rule: 'host_down',
  config_digest: 'c0ffeec0ffeec0ffee',
  steps: [
    {
      step: 'acknowledge',
      uses: 'pager.acknowledge@1',
      wave: 1,
      destructive: false,
      summary: 'acknowledges page web/web-1',
      changes: { incident: 'web/web-1' },
    },
    {
      step: 'clone',
      uses: 'host.clone@1',
      wave: 2,
      destructive: true,
      only_if: '${{ inputs.clone }}',
      summary: 'launches a host like i-1',
      changes: { from: 'i-1' },
    },
    {
      step: 'notify',
      uses: 'acme.tell@1',
      wave: 3,
      section: 'finally',
      destructive: false,
      summary: 'Tells\u001B[2K somebody.',
      changes: { inputs: ['text'] },
      problem: 'its dry run threw TypeError',
    },
  ],
};
