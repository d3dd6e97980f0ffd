/**
 * Remembers which event ids were seen, in two generations: the current one fills up or grows old, then becomes the
 * previous one and the one before is forgotten. An id is remembered for at least `windowMs` unless more than `capacity`
 * ids arrive meanwhile, and for at most twice that; at most `2 * capacity` ids are stored. Keeps L5.
 *
 * The state is updated in place and has one owner.
 */
export interface FirstSight {
  readonly windowMs: number;
  readonly capacity: number;
  current: Set<string>;
  previous: Set<string>;
  rotatedAtMs: number;
}

/** Nothing seen yet. */
export function createFirstSight(options: {
  readonly windowMs: number;
  readonly capacity: number;
  readonly nowMs: number;
}): FirstSight {
  const { windowMs, capacity, nowMs } = options;
  return { windowMs, capacity, current: new Set(), previous: new Set(), rotatedAtMs: nowMs };
}

/** Sees an id. Forgetting one too early only means that it is counted again: counts are of unique entities. */
export function seeId(
  state: FirstSight,
  id: string,
  nowMs: number,
): { readonly state: FirstSight; readonly verdict: 'first' | 'repeated' } {
  rotate(state, nowMs);
  if (state.previous.has(id)) return { state, verdict: 'repeated' };
  // Adding says whether it was there: one look-up less in a set that no cache holds.
  const before = state.current.size;
  const isFirst = state.current.add(id).size > before;
  return { state, verdict: isFirst ? 'first' : 'repeated' };
}

function rotate(state: FirstSight, nowMs: number): void {
  const generations = Math.floor((nowMs - state.rotatedAtMs) / state.windowMs);
  if (generations < 1 && state.current.size < state.capacity) return;
  state.previous = generations >= 2 ? new Set() : state.current;
  state.current = new Set();
  // Aligned to whole windows, so that a late look does not lengthen the memory of the generation before.
  state.rotatedAtMs = generations < 1 ? nowMs : state.rotatedAtMs + generations * state.windowMs;
}
