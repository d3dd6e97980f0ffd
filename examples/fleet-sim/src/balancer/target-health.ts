/** Outcome of one health check of a target. */
export type CheckResult =
  | { readonly outcome: 'passed' }
  | { readonly outcome: 'failed'; readonly reason: FailureReason; readonly description: string };

/** Reason codes of ELBv2 for a target that does not pass its checks. */
export type FailureReason = 'Target.ResponseCodeMismatch' | 'Target.Timeout' | 'Target.FailedHealthChecks';

/** What the load balancer holds of one registered target. */
export interface TargetHealth {
  readonly state: 'initial' | 'healthy' | 'unhealthy';
  /** Checks in a row with the same outcome. */
  readonly streak: number;
  readonly lastOutcome: CheckResult['outcome'] | undefined;
  readonly reason: FailureReason | undefined;
  readonly description: string | undefined;
}

export interface Thresholds {
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
}

export const NEW_TARGET: TargetHealth = {
  state: 'initial',
  streak: 0,
  lastOutcome: undefined,
  reason: undefined,
  description: undefined,
};

/**
 * Health of a target after one more check.
 *
 * A new target becomes healthy with its first passed check; afterwards a change takes the threshold of checks in
 * a row. A new target that fails needs the unhealthy threshold as well.
 *
 * @remarks Source: Elastic Load Balancing user guide, "Health checks for target groups".
 */
export function afterCheck(health: TargetHealth, result: CheckResult, thresholds: Thresholds): TargetHealth {
  const streak = health.lastOutcome === result.outcome ? health.streak + 1 : 1;
  if (result.outcome === 'passed') {
    const isHealthy = health.state !== 'unhealthy' || streak >= thresholds.healthyThreshold;
    if (isHealthy) return { ...NEW_TARGET, state: 'healthy', streak, lastOutcome: 'passed' };
    return { ...health, streak, lastOutcome: 'passed' };
  }
  const { reason, description } = result;
  if (health.state === 'unhealthy' || streak >= thresholds.unhealthyThreshold) {
    return { state: 'unhealthy', streak, lastOutcome: 'failed', reason, description };
  }
  return { ...health, streak, lastOutcome: 'failed' };
}
