/** How many messages went to one target lately. */
export interface StormState {
  /** When the latest ones were sent, monotonic milliseconds, oldest first. */
  readonly sentAtMs: readonly number[];
  /** How many were held back since the last one that was sent. */
  readonly heldBack: number;
}

/** Nothing was sent yet. */
export const CALM: StormState = { sentAtMs: [], heldBack: 0 };

/** Whether a message is sent, and how many were held back before it. */
export type StormVerdict = { readonly send: true; readonly heldBack: number } | { readonly send: false };

/**
 * Keeps a storm of alarms from burying a team: at most `maxPerWindow` messages to one target in any window; the next one
 * that is sent says how many were held back. Pages do not depend on it.
 */
export function limitStorm(
  state: StormState,
  limit: { readonly maxPerWindow: number; readonly windowMs: number },
  nowMs: number,
): { readonly state: StormState; readonly verdict: StormVerdict } {
  const recent = state.sentAtMs.filter((sentAtMs) => nowMs - sentAtMs < limit.windowMs);
  if (recent.length >= limit.maxPerWindow) {
    return { state: { sentAtMs: recent, heldBack: state.heldBack + 1 }, verdict: { send: false } };
  }
  return {
    state: { sentAtMs: [...recent, nowMs], heldBack: 0 },
    verdict: { send: true, heldBack: state.heldBack },
  };
}
