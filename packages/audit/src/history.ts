import type { DecisionRecord } from '@lazarus/core';
import type { BudgetCharge, Observation } from '@lazarus/core/ports';

/** An event that was counted, with the time at which it was received. */
export interface RecentObservation extends Observation {
  /** Milliseconds since the epoch. */
  readonly receivedAtMs: number;
}

/** A remediation that was decided, as the blast-radius budget counts it. */
export interface RecentCommit {
  readonly charge: BudgetCharge;
  readonly runId: string;
  /** Milliseconds since the epoch. */
  readonly committedAtMs: number;
  /** False while the run has no recorded end: it counts as in flight. */
  readonly finished: boolean;
}

function textIn(record: DecisionRecord, name: string): string | undefined {
  for (const gate of record.gates) {
    const value = gate.evidence[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

/**
 * What the rolling windows had counted for a record; `undefined` for events that never got as far (invalid, stale and
 * repeated ones are not counted).
 */
export function toObservation(record: DecisionRecord): RecentObservation | undefined {
  const observe = record.gates.find((gate) => gate.gate === 'observe');
  const receivedAtMs = Date.parse(record.received_at);
  if (observe === undefined || Number.isNaN(receivedAtMs)) return undefined;
  const entity = observe.evidence.entity;
  return {
    eventId: record.event_id,
    region: record.region,
    service: record.service,
    entity: typeof entity === 'string' && entity !== '' ? entity : (record.host ?? record.service),
    receivedAtMs,
  };
}

/**
 * What the budget had charged for a committed intent; `undefined` when the record is no remediation. An unknown zone or
 * account is the empty string: it still counts against service and region.
 */
export function toCommit(
  intent: DecisionRecord,
  state: { readonly committedAtMs: number; readonly finished: boolean },
): RecentCommit | undefined {
  if (intent.decision.kind !== 'remediate') return undefined;
  return {
    charge: {
      decisionId: intent.decision_id ?? intent.decision.run_id,
      service: intent.service,
      zone: textIn(intent, 'zone') ?? '',
      account: intent.incarnation?.account ?? '',
      region: intent.incarnation?.region ?? intent.region,
    },
    runId: intent.decision.run_id,
    ...state,
  };
}
