import { cutoffNow, errorRate } from './rollout.ts';
import type { RolloutState } from './rollout.ts';
import type { RolloutTerms } from './rollout-schema.ts';
import { positionOf } from './wave-order.ts';

/** One rollout, for people. Wire shape of `GET /v1/rollouts`. */
export interface RolloutView {
  readonly profile: string;
  readonly status: RolloutState['status'];
  /** From 1. */
  readonly wave: number;
  readonly waves: number;
  /** Services that have the edit, and all that subscribe. */
  readonly services: { readonly reached: number; readonly total: number };
  /** What ended for services that have the edit, within the window. */
  readonly outcomes: { readonly total: number; readonly failed: number };
  /** ISO time at which the wave began. */
  readonly since: string;
  readonly because: string;
}

/** The section was taken out of the profile while its edit was on its way: everybody gets it at the next look. */
export const AT_ONCE: RolloutTerms = { waves: [1], bake: 0, max_error_rate: 1, min_outcomes: 1, window: 1 };

/** How a rollout stands. */
export function viewOf(
  profile: string,
  state: RolloutState,
  subscribers: readonly string[],
  terms: RolloutTerms,
  nowMs: number,
): RolloutView {
  const { outcomes, failed } = errorRate(terms, state.outcomes, nowMs);
  const reached = subscribers.filter((service) => positionOf(state.edit, service) < cutoffNow(state)).length;
  return {
    profile,
    status: state.status,
    wave: state.wave + 1,
    waves: state.cutoffs.length,
    services: { reached, total: subscribers.length },
    outcomes: { total: outcomes, failed },
    since: new Date(state.waveSinceMs).toISOString(),
    because: state.because,
  };
}
