import { z } from 'zod';
import type { Verdict } from '../preconditions/precondition.ts';
import type { RollingWindow } from '../windows/rolling-window.ts';
import { countKeys, createRollingWindow, observeKey, UNCOUNTABLE } from '../windows/rolling-window.ts';

/**
 * Bounds of the service limit.
 *
 * @remarks Source: Lazarus post, service rate limit over a rolling window of 10 min; it states no threshold. Three is
 * ours: with one failing host the second and third may be chance, the fourth is a pattern.
 */
export const LimiterOptions = z.strictObject({
  /** Length of the window, 1 s to 24 h. @defaultValue 600 000 (10 min) */
  windowMs: z.int().min(1_000).max(86_400_000).default(600_000),
  /** Most unique failing entities per service. @defaultValue 3 */
  maxEntities: z.int().min(0).max(100_000).default(3),
  /** Most unique failing entities as a share of the known hosts; whichever bound is reached first counts. */
  maxEntitiesFraction: z.number().gt(0).max(1).optional(),
  /** Most entities stored per service; a service with more counts as above every bound. @defaultValue 4096 */
  maxStored: z.int().min(1).max(1_000_000).default(4_096),
});

/** Bounds as the machine uses them. */
export type LimiterBounds = Pick<z.output<typeof LimiterOptions>, 'maxEntities' | 'maxEntitiesFraction'>;

/**
 * The number of failing entities that is still allowed. A share needs to know how many hosts there are: when that is
 * unknown, none is allowed. Keeps S8.
 *
 * @param knownHosts - Hosts of the service by a complete inventory; `undefined` when it is not known.
 */
export function entityBound(bounds: LimiterBounds, knownHosts: number | undefined): number {
  if (bounds.maxEntitiesFraction === undefined) return bounds.maxEntities;
  const share =
    knownHosts === undefined ? 0 : Math.max(1, Math.floor(knownHosts * bounds.maxEntitiesFraction));
  return Math.min(bounds.maxEntities, share);
}

/** Input of one step: `entity` is absent when somebody only looks. */
export interface LimiterInput {
  readonly entity?: string;
  readonly knownHosts?: number | undefined;
}

/**
 * Suspends all actions on a service while more unique entities of it failed within the window than are allowed. Counts
 * everything received, also while suspended, so that it resumes by itself. Keeps S7.
 */
export function stepLimiter(
  bounds: LimiterBounds,
  state: RollingWindow,
  input: LimiterInput,
  nowMs: number,
): { readonly state: RollingWindow; readonly verdict: Verdict } {
  if (input.entity !== undefined) observeKey(state, input.entity, nowMs);
  const entities = countKeys(state, nowMs);
  const maxEntities = entityBound(bounds, input.knownHosts);
  const evidence = { entities, max_entities: maxEntities, window_ms: state.windowMs };
  if (entities <= maxEntities) return { state, verdict: { verdict: 'pass', evidence } };
  const count = entities === UNCOUNTABLE ? `more than ${state.capacity}` : `${entities}`;
  const reason = `${count} entities failed within ${state.windowMs / 1_000} s, ${maxEntities} are allowed`;
  return { state, verdict: { verdict: 'fail', reason, evidence } };
}

/** The empty state of one service. */
export function createLimiterState(options: z.output<typeof LimiterOptions>): RollingWindow {
  return createRollingWindow({ windowMs: options.windowMs, capacity: options.maxStored });
}
