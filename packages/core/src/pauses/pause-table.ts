/**
 * Which pause applies: the kill switch as pure functions over a list of pauses. The times of a pause are wall times,
 * because people set and read them. Keeps S14.
 */
import { z } from 'zod';
import type { Pause } from '../ports/pauses.ts';

const line = (max: number) => z.string().min(1).max(max);
const instant = z.iso.datetime({ offset: true });

/** A pause as people write it; whose and why are never optional. */
export const PauseSchema = z.strictObject({
  /** No member: everything. Both members: this service in this region only. */
  scope: z.strictObject({ region: line(64).optional(), service: line(128).optional() }),
  author: line(256),
  reason: line(1_024),
  since: instant,
  /** Absent: until it is lifted. */
  until: instant.optional(),
});

/** The pause that applies to this region and service; the one that ends last, when there are several. */
export function activePause(
  pauses: readonly Pause[],
  scope: { readonly region: string; readonly service: string },
  nowMs: number,
): Pause | undefined {
  let longest: Pause | undefined;
  for (const pause of withoutEnded(pauses, nowMs)) {
    if (covers(pause.scope, scope) && (longest === undefined || endOf(pause) > endOf(longest)))
      longest = pause;
  }
  return longest;
}

/** The pauses that have not ended by themselves. */
export function withoutEnded(pauses: readonly Pause[], nowMs: number): readonly Pause[] {
  return pauses.filter((pause) => endOf(pause) > nowMs);
}

/** Splits the pauses into those with exactly this scope and the rest. */
export function splitByScope(
  pauses: readonly Pause[],
  scope: Pause['scope'],
): { readonly cleared: readonly Pause[]; readonly rest: readonly Pause[] } {
  const isExact = (pause: Pause): boolean =>
    pause.scope.region === scope.region && pause.scope.service === scope.service;
  return { cleared: pauses.filter(isExact), rest: pauses.filter((pause) => !isExact(pause)) };
}

function covers(
  scope: Pause['scope'],
  place: { readonly region: string; readonly service: string },
): boolean {
  const isRegion = scope.region === undefined || scope.region === place.region;
  return isRegion && (scope.service === undefined || scope.service === place.service);
}

/** An end that cannot be read never comes. */
function endOf(pause: Pause): number {
  const endMs = pause.until === undefined ? Infinity : Date.parse(pause.until);
  return Number.isNaN(endMs) ? Infinity : endMs;
}
