import type { Random } from '@lazarus/core/ports';

/** Random numbers that repeat for the same seed. */
export interface SeededRandom extends Random {
  /** A whole number from 0 to `below - 1`. */
  int(below: number): number;
  /** One of the items. */
  pick<T>(items: readonly [T, ...T[]]): T;
  /** A stream of its own, so that a new draw in one part of a simulation does not shift the others. */
  fork(label: string): SeededRandom;
}

/**
 * Creates a generator with 32 bits of state (Weyl sequence with a mixing step). Good enough for tests, useless for
 * secrets.
 */
export function createSeededRandom(seed: number): SeededRandom {
  let state = mix(seed ^ 0x9e3779b9);
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    return mix(state) / 0x1_0000_0000;
  };
  const int = (below: number): number => Math.floor(next() * below);
  return {
    next,
    int,
    pick: (items) => items[int(items.length)] ?? items[0],
    fork: (label) => {
      let hash = mix(seed);
      for (const char of label) hash = mix(hash ^ (char.codePointAt(0) ?? 0));
      return createSeededRandom(hash);
    },
  };
}

/** Spreads every bit of a 32-bit number over all others. */
function mix(value: number): number {
  let bits = value >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
  return (bits ^ (bits >>> 16)) >>> 0;
}
