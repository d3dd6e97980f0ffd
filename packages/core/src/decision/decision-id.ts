import { hash } from 'node:crypto';
import type { Incarnation } from '../ports/fleet.ts';

/** What a decision to act is about. Two events that agree in all of it are about the same action. */
export interface DecisionSubject {
  readonly rule: string;
  readonly ruleDigest: string;
  /** Absent for actions on a service as a whole; `service` then stands for the target. */
  readonly incarnation?: Incarnation | undefined;
  readonly service: string;
  readonly incidentKey?: string | undefined;
  /** 0 for the first attempt on this incarnation; grows only when an earlier run has ended. */
  readonly attempt: number;
}

/**
 * Computes `D`: 64 hexadecimal characters, which fits a provider's idempotency token. Every retry, redelivery, failover
 * and replay of one action carries the same `D`. Keeps S1.
 */
export function decisionId(subject: DecisionSubject): string {
  const { incarnation } = subject;
  const parts = [
    subject.rule,
    subject.ruleDigest,
    incarnation === undefined
      ? ['service', subject.service]
      : [incarnation.account, incarnation.region, incarnation.instanceId, incarnation.launchedAtMs],
    subject.incidentKey ?? null,
    subject.attempt,
  ];
  return hash('sha256', JSON.stringify(parts), 'hex');
}
