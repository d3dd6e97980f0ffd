/**
 * The region's circuit breaker as a state machine.
 *
 *   unknown ── known ──▶ closed ── services > maxServices ──▶ open
 *                          ▲                                   │
 *                          └── services < closeBelow, and ─────┘
 *                              open for at least minOpenMs
 *
 * Two thresholds keep it from flapping: it opens above one and closes below a lower one. It counts everything received,
 * also while it is open, so that it closes by itself; what arrived meanwhile was escalated and is never replayed. It
 * blocks new actions only: resolve, notify and recovery steps go on.
 *
 * Invariants:
 * S7: unknown counts as open, and only knowledge of a whole window (history, or having watched for that long) ends it.
 */
import { z } from 'zod';
import type { BreakerView } from '../ports/windows.ts';

/**
 * Bounds of the region's circuit breaker.
 *
 * @remarks Source: Lazarus post, unique failing services per region over a rolling window of 10 min; thresholds are ours.
 */
export const BreakerOptions = z
  .strictObject({
    /** Length of the window, 1 s to 24 h. @defaultValue 600 000 (10 min) */
    windowMs: z.int().min(1_000).max(86_400_000).default(600_000),
    /** Most unique failing services; one more opens. @defaultValue 5 */
    maxServices: z.int().min(0).max(1_000_000).default(5),
    /** Most unique failing services as a share of the known ones; whichever bound is reached first counts. */
    maxServicesFraction: z.number().gt(0).max(1).optional(),
    /** Closes when fewer services than this are failing. @defaultValue half of `maxServices`, rounded up, at least 1 */
    closeBelow: z.int().min(1).max(1_000_000).optional(),
    /** Stays open for at least this long. @defaultValue 120 000 (2 min) */
    minOpenMs: z.int().min(0).max(86_400_000).default(120_000),
  })
  .refine((options) => (options.closeBelow ?? 1) <= options.maxServices + 1, {
    path: ['closeBelow'],
    message: 'is above maxServices + 1: the breaker would close while it should open',
  });

/** Bounds as the machine uses them. */
export type BreakerBounds = Pick<
  z.output<typeof BreakerOptions>,
  'maxServices' | 'maxServicesFraction' | 'closeBelow' | 'minOpenMs'
>;

/** State of the breaker; plain data. */
export type BreakerState =
  | { readonly phase: 'unknown'; readonly sinceMs: number }
  | { readonly phase: 'closed'; readonly sinceMs: number }
  | { readonly phase: 'open'; readonly sinceMs: number };

/** Input of one step. */
export interface BreakerInput {
  /** Unique failing services in the window. */
  readonly services: number;
  /** Services that exist; `undefined` when it is not known. */
  readonly knownServices?: number | undefined;
  /** False while the counts may miss what happened before this process started. */
  readonly isWholeWindowKnown: boolean;
}

/** The number of failing services that is still allowed; a share of an unknown number is none. Keeps S8. */
export function serviceBound(bounds: BreakerBounds, knownServices: number | undefined): number {
  if (bounds.maxServicesFraction === undefined) return bounds.maxServices;
  const share =
    knownServices === undefined ? 0 : Math.max(1, Math.floor(knownServices * bounds.maxServicesFraction));
  return Math.min(bounds.maxServices, share);
}

/** One step: what the breaker is now. The verdict is the view that gates and people see. */
export function stepBreaker(
  bounds: BreakerBounds,
  state: BreakerState,
  input: BreakerInput,
  nowMs: number,
): { readonly state: BreakerState; readonly verdict: BreakerView } {
  const maxServices = serviceBound(bounds, input.knownServices);
  const next = transition(bounds, state, input, maxServices, nowMs);
  const openForMs = next.phase === 'closed' ? 0 : nowMs - next.sinceMs;
  return { state: next, verdict: { state: next.phase, services: input.services, maxServices, openForMs } };
}

function transition(
  bounds: BreakerBounds,
  state: BreakerState,
  input: BreakerInput,
  maxServices: number,
  nowMs: number,
): BreakerState {
  const isTooMany = input.services > maxServices;
  if (!input.isWholeWindowKnown)
    return state.phase === 'closed' ? { phase: 'unknown', sinceMs: nowMs } : state;
  if (state.phase !== 'open') {
    if (isTooMany) return { phase: 'open', sinceMs: nowMs };
    return state.phase === 'closed' ? state : { phase: 'closed', sinceMs: nowMs };
  }
  // A share can push the bound below closeBelow: never close what would open again at once.
  const closeBelow = Math.min(
    bounds.closeBelow ?? Math.max(1, Math.ceil(bounds.maxServices / 2)),
    maxServices + 1,
  );
  const mayClose = input.services < closeBelow && nowMs - state.sinceMs >= bounds.minOpenMs;
  return mayClose ? { phase: 'closed', sinceMs: nowMs } : state;
}
