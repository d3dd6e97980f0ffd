import type { Clock, Logger } from '@lazarus/core/ports';

/** Shortest time between two lines about the same thing. */
export const QUIET_MS = 60_000;

/**
 * Warns of what a stranger can cause at will: at most one line a minute for each kind, which tells how many were left out
 * since the last one.
 *
 * @returns a function whose `kind` comes from a small fixed set: each is remembered.
 */
export function createRareWarnings(ports: {
  readonly clock: Clock;
  readonly log: Logger;
}): (kind: string, message: string, fields: Record<string, unknown>) => void {
  const told = new Map<string, { readonly atMs: number; leftOut: number }>();
  return (kind, message, fields) => {
    const nowMs = ports.clock.monotonic();
    const last = told.get(kind);
    if (last !== undefined && nowMs - last.atMs < QUIET_MS) {
      last.leftOut += 1;
      return;
    }
    told.set(kind, { atMs: nowMs, leftOut: 0 });
    const leftOut = last?.leftOut ?? 0;
    ports.log.warn(message, leftOut === 0 ? fields : { ...fields, leftOut });
  };
}
