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
  /** When its run ended, milliseconds since the epoch; absent while it counts as in flight. */
  readonly finishedAtMs?: number;
}

/**
 * What the rolling windows had counted for a record; `undefined` for events that never got as far (invalid, stale and
 * repeated ones are not counted).
 */
export function toObservation(record: DecisionRecord): RecentObservation | undefined {
  const observe = record.gates.find((gate) => gate.gate === 'observe');
  const receivedAtMs = Date.parse(record.received_at);
  if (observe === undefined || Number.isNaN(receivedAtMs)) return undefined;
  return {
    eventId: record.event_id,
    region: record.region,
    service: record.service,
    // The same entity as the one that was counted: the host as the provider knows it, else as the event named it.
    entity: record.incarnation?.instanceId ?? record.host ?? `service:${record.service}`,
    receivedAtMs,
  };
}

/**
 * What the budget had charged for a committed intent; `undefined` when the record is no remediation. What is not known is
 * charged under the same names that the decision uses.
 */
export function toCommit(
  intent: DecisionRecord,
  times: { readonly committedAtMs: number; readonly finishedAtMs?: number },
): RecentCommit | undefined {
  if (intent.decision.kind !== 'remediate') return undefined;
  const zone = intent.gates.find(({ gate }) => gate === 'budget')?.evidence.zone;
  return {
    charge: {
      decisionId: intent.decision_id ?? intent.decision.run_id,
      service: intent.service,
      zone: typeof zone === 'string' ? zone : 'all',
      account: intent.incarnation?.account ?? 'unknown',
      region: intent.region,
    },
    runId: intent.decision.run_id,
    ...times,
  };
}
