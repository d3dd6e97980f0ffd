import type { StepError } from '../actions/step-error.ts';
import type { RetryPolicy } from '../document/workflow-definition.ts';

/** Whether a failed attempt is repeated, and after how long. */
export type RetryVerdict = { readonly retry: true; readonly delayMs: number } | { readonly retry: false };

/**
 * Decides about one failure: exponential back-off with full jitter, never earlier than the provider asked for.
 *
 * @param failures - failures so far, this one included; 1 or more.
 * @param chance - a number in `[0, 1)`.
 * @remarks Source: the full-jitter formula of the AWS Builders' Library.
 */
export function decideRetry(
  policy: RetryPolicy,
  failures: number,
  error: StepError,
  chance: number,
): RetryVerdict {
  if (failures >= policy.maxAttempts || !policy.on.includes(error.class)) return { retry: false };
  const ceilingMs = Math.min(policy.maxMs, policy.initialMs * policy.factor ** (failures - 1));
  const delayMs = policy.jitter === 'full' ? ceilingMs * chance : ceilingMs;
  return { retry: true, delayMs: Math.round(Math.max(delayMs, error.retryAfterMs ?? 0)) };
}
