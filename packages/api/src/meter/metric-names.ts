/** What the metrics of Lazarus mean; a name that is not here is described by itself. */
export const METRICS: Readonly<Record<string, string>> = {
  lazarus_events_received_total: 'Events taken in, by source and type.',
  lazarus_events_decided_total: 'Events that reached their terminal record, by rule, outcome and reason.',
  lazarus_events_refused_total: 'Events that an intake refused because it was full or closed, by reason.',
  lazarus_decision_duration_seconds: 'Time from receiving an event to its terminal record.',
  lazarus_event_lag_seconds: 'Age of an event when it was received.',
  lazarus_votes_total: 'Votes cast, by voter and result.',
  lazarus_vote_rtt_seconds: 'Round trip of one vote.',
  lazarus_precheck_total: 'Prechecks run on this node, by check and result.',
  lazarus_runs_in_flight: 'Runs that have not ended, by workflow.',
  lazarus_runs_finished_total: 'Runs that ended, by workflow and status.',
  lazarus_run_duration_seconds: 'Time from start to end of a run.',
  lazarus_step_duration_seconds: 'Time from start to end of a step, by action and status.',
  lazarus_lock_wait_seconds: 'Time until a lock was granted or refused.',
  lazarus_lock_fenced_total: 'Effects refused because the lease was lost.',
  lazarus_breaker_state: 'State of the circuit breaker by scope: 0 closed, 1 open, 2 unknown.',
  lazarus_rules_generation_info: 'Digest of the configuration in force; the value is always 1.',
  lazarus_journal_errors_total: 'Writes that the workflow journal refused.',
  lazarus_notifications_dropped_total:
    'Notifications that were dropped because the notifier did not keep up, by kind.',
  lazarus_metrics_dropped_total:
    'Measurements that were dropped: wrong kind, unusable value or too many label sets.',
};

/** Upper bounds in seconds: decisions live between milliseconds and a minute, runs up to half an hour. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60];
const RUN_SECONDS = [1, 5, 10, 30, 60, 120, 300, 600, 900, 1_200, 1_800, 3_600];

/** One sentence about a metric. */
export function describeMetric(name: string): string {
  return METRICS[name] ?? name.replaceAll('_', ' ');
}

/** Upper bounds of a histogram, in the unit that its name ends with. */
export function bucketsOf(name: string): number[] {
  return name.includes('_run_') || name.includes('_step_') ? RUN_SECONDS : SECONDS;
}
