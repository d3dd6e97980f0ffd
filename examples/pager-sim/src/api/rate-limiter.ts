/** Place of one key in its window. */
export interface RateWindow {
  readonly startedMs: number;
  readonly used: number;
}

export interface RateVerdict {
  readonly isAllowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Whole seconds until the window ends, at least 1. */
  readonly resetSeconds: number;
}

/** Counts one request in a fixed window: `(window, options, nowMs) → { window, verdict }`. */
export function countRequest(
  window: RateWindow | undefined,
  options: { readonly requests: number; readonly windowMs: number },
  nowMs: number,
): { window: RateWindow; verdict: RateVerdict } {
  const isOver = window === undefined || nowMs - window.startedMs >= options.windowMs;
  const current = isOver ? { startedMs: nowMs, used: 0 } : window;
  const isAllowed = current.used < options.requests;
  const next = isAllowed ? { ...current, used: current.used + 1 } : current;
  const resetSeconds = Math.max(1, Math.ceil((current.startedMs + options.windowMs - nowMs) / 1_000));
  const remaining = options.requests - next.used;
  return { window: next, verdict: { isAllowed, limit: options.requests, remaining, resetSeconds } };
}
