import type { Host } from '@lazarus/core/ports';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeListing, type SeenHosts } from '../src/shrinkage.ts';

const MINUTE_MS = 60_000;
const BOUNDS = { windowMs: 10 * MINUTE_MS, maxLostShare: 0.2, minLost: 2 };

const hosts = (count: number, lifecycle: Host['lifecycle'] = 'active', from = 1) =>
  Array.from({ length: count }, (_, index) => ({ hostId: `i-${from + index}`, lifecycle }));

/** Judges one listing after another; returns whether each is complete. */
function judgeAll(listings: readonly (readonly [number, ReturnType<typeof hosts>])[]): boolean[] {
  let seen: SeenHosts = {};
  return listings.map(([nowMs, listed]) => {
    const { state, verdict } = judgeListing(BOUNDS, seen, listed, nowMs);
    seen = state;
    return verdict.complete;
  });
}

describe('shrunken listings (S8)', () => {
  it('takes the first listing as it is, also an empty one', () => {
    expect(judgeAll([[0, []]])).toEqual([true]);
    expect(judgeAll([[0, hosts(10)]])).toEqual([true]);
  });

  it('believes that 2 of 10 hosts are gone and does not believe that 3 are', () => {
    const after = (left: number) =>
      judgeAll([
        [0, hosts(10)],
        [1_000, hosts(left)],
      ]).at(-1);
    expect([after(10), after(9), after(8), after(7), after(0)]).toEqual([true, true, true, false, false]);
  });

  it('believes that 1 host of a small service is gone and does not believe that 2 are', () => {
    expect(
      judgeAll([
        [0, hosts(2)],
        [1_000, hosts(1)],
      ]),
    ).toEqual([true, true]);
    expect(
      judgeAll([
        [0, hosts(2)],
        [1_000, []],
      ]),
    ).toEqual([true, false]);
  });

  it('names the hosts that are missing', () => {
    const { state } = judgeListing(BOUNDS, {}, hosts(3), 0);
    const { verdict } = judgeListing(BOUNDS, state, hosts(1), 1_000);
    expect(verdict).toEqual({ complete: false, lost: ['i-2', 'i-3'] });
  });

  it('stays in doubt until the hosts are back, or for 10 min', () => {
    expect(
      judgeAll([
        [0, hosts(5)],
        [1_000, hosts(2)],
        [2_000, hosts(5)],
      ]),
    ).toEqual([true, false, true]);
    const listings: [number, ReturnType<typeof hosts>][] = [0, 1, 5, 9, 10].map((minutes) => [
      minutes * MINUTE_MS,
      hosts(minutes === 0 ? 5 : 2),
    ]);
    expect(judgeAll(listings)).toEqual([true, false, false, false, true]);
  });

  it('notices a fleet of 10 that fades away one host a minute, at the 3rd', () => {
    const listings: [number, ReturnType<typeof hosts>][] = [10, 9, 8, 7, 6].map((left, minute) => [
      minute * MINUTE_MS,
      hosts(left),
    ]);
    expect(judgeAll(listings)).toEqual([true, true, true, false, false]);
  });

  it('does not let new hosts make up for lost ones', () => {
    const replaced = [...hosts(2), ...hosts(20, 'active', 100)];
    expect(
      judgeAll([
        [0, hosts(5)],
        [1_000, replaced],
      ]),
    ).toEqual([true, false]);
  });

  it('expects hosts to go that Lazarus had out of service when they were last seen', () => {
    for (const lifecycle of ['launching', 'removing', 'forensics'] as const) {
      const before = [...hosts(2), ...hosts(3, lifecycle, 3)];
      expect(
        judgeAll([
          [0, hosts(5)],
          [1_000, before],
          [2_000, hosts(2)],
        ]),
      ).toEqual([true, true, true]);
    }
  });

  it('agrees with a count by hand, for any two listings', () => {
    const ids = fc.uniqueArray(fc.integer({ min: 1, max: 12 }));
    fc.assert(
      fc.property(ids, ids, (before, after) => {
        const listed = (numbers: number[]) => numbers.flatMap((number) => hosts(1, 'active', number));
        const lost = before.filter((number) => !after.includes(number)).length;
        const expected = !(lost >= 2 && lost / before.length > 0.2);
        expect(
          judgeAll([
            [0, listed(before)],
            [1, listed(after)],
          ]),
        ).toEqual([true, expected]);
      }),
    );
  });
});
