/** Why a person is woken. */
export type EscalationReason =
  | 'invalid'
  | 'future_dated'
  | 'windows_unavailable'
  | 'no_rule'
  | 'no_config'
  | 'mode_off'
  | 'paused'
  | 'pause_unavailable'
  | 'region_circuit_open'
  | 'service_rate_limited'
  | 'target_unresolved'
  | 'target_protected'
  | 'lock_held'
  | 'lock_unavailable'
  | 'lock_lost'
  | 'quorum_not_reached'
  | 'quorum_timed_out'
  | 'precondition_failed'
  | 'budget_spent'
  | 'budget_unavailable'
  | 'deadline_passed'
  | 'pager_refused'
  | 'audit_unavailable'
  | 'run_not_started'
  | 'dead_letter'
  | 'invariant_broken';

/** Why an event needs nothing of its own. */
export type SuppressionReason = 'stale' | 'duplicate' | 'attached' | 'superseded';

/**
 * What was decided about one event. Refusing to act is a value with a reason, never an exception. Wire shape: the audit
 * log, the API and the console show it as it is.
 */
export type Decision =
  | { readonly kind: 'remediate'; readonly workflow: string; readonly run_id: string; readonly votes: string }
  | { readonly kind: 'escalate'; readonly reason: EscalationReason; readonly detail: string }
  | {
      readonly kind: 'notify_only';
      readonly reason: 'rule' | 'mode';
      readonly detail: string;
      /** What `act` would have done, in mode `notify`. */
      readonly would?: 'remediate' | 'escalate';
    }
  | {
      readonly kind: 'suppress';
      readonly reason: SuppressionReason;
      readonly detail: string;
      /** Event whose outcome this event's page follows. */
      readonly attached_to?: string;
      /** Run whose outcome this event's page follows, when there is one already. */
      readonly run_id?: string;
    };

/** Short sentence for people. */
export function describeDecision(decision: Decision): string {
  switch (decision.kind) {
    case 'remediate':
      return `remediate with ${decision.workflow} (votes ${decision.votes}, run ${decision.run_id.slice(0, 12)})`;
    case 'escalate':
      return `escalate: ${decision.reason}, ${decision.detail}`;
    case 'notify_only':
      return decision.would === undefined
        ? `notify only: ${decision.detail}`
        : `notify only: ${decision.detail}; would have decided to ${decision.would}`;
    case 'suppress':
      return `suppress: ${decision.reason}, ${decision.detail}`;
  }
}
