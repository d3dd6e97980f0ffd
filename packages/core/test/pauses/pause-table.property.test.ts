import type { Pause } from '@lazarus/core/ports';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activePause, PauseSchema, splitByScope, withoutEnded } from '../../src/pauses/pause-table.ts';

const nowMs = Date.UTC(2026, 0, 1);
const iso = (ms: number): string => new Date(nowMs + ms).toISOString();
const place = { region: 'r', service: 'web' };
const pause = (scope: Pause['scope'], untilMs?: number): Pause => ({
  scope,
  author: 'ada',
  reason: 'maintenance',
  since: iso(-1_000),
  ...(untilMs === undefined ? {} : { until: iso(untilMs) }),
});

describe('pauses', () => {
  it('stop everything, one region, one service everywhere, or one service in one region', () => {
    for (const scope of [{}, { region: 'r' }, { service: 'web' }, place]) {
      expect(activePause([pause(scope)], place, nowMs)).toBeDefined();
    }
    for (const scope of [{ region: 'x' }, { service: 'api' }, { region: 'x', service: 'web' }]) {
      expect(activePause([pause(scope)], place, nowMs)).toBeUndefined();
    }
  });

  it('end by themselves at their time and not 1 ms before', () => {
    const pauses = [pause({}, 5_000)];
    expect(activePause(pauses, place, nowMs + 4_999)).toBeDefined();
    expect(activePause(pauses, place, nowMs + 5_000)).toBeUndefined();
    expect(withoutEnded(pauses, nowMs + 5_000)).toEqual([]);
  });

  it('never end when their end cannot be read (S14)', () => {
    expect(activePause([{ ...pause({}), until: 'tomorrow' }], place, nowMs)).toBeDefined();
  });

  it('are lifted by exactly their scope', () => {
    const pauses = [pause({}), pause({ region: 'r' }), pause({ region: 'r' }, 10)];
    expect(splitByScope(pauses, { region: 'r' }).cleared).toHaveLength(2);
    expect(splitByScope(pauses, {}).rest).toHaveLength(2);
  });

  it('need an author and a reason', () => {
    expect(PauseSchema.safeParse({ ...pause({}), author: '' }).success).toBe(false);
    expect(PauseSchema.safeParse({ ...pause({}), reason: undefined }).success).toBe(false);
    expect(PauseSchema.safeParse({ ...pause({}), until: 'tomorrow' }).success).toBe(false);
    expect(PauseSchema.safeParse(pause({ service: 'web' }, 1)).success).toBe(true);
  });

  it('apply exactly when one of them covers the place and has not ended, and show the one that ends last', () => {
    const anyPause = fc
      .record({
        scope: fc.record(
          { region: fc.constantFrom('r', 's'), service: fc.constantFrom('web', 'api') },
          { requiredKeys: [] },
        ),
        untilMs: fc.option(fc.integer({ min: -50, max: 50 }), { nil: undefined }),
      })
      .map(({ scope, untilMs }) => pause(scope, untilMs));
    fc.assert(
      fc.property(fc.array(anyPause, { maxLength: 12 }), (pauses) => {
        const applying = pauses.filter(
          ({ scope, until }) =>
            (scope.region ?? 'r') === 'r' &&
            (scope.service ?? 'web') === 'web' &&
            (until === undefined || Date.parse(until) > nowMs),
        );
        const shown = activePause(pauses, place, nowMs);
        expect(shown === undefined).toBe(applying.length === 0);
        if (applying.some(({ until }) => until === undefined)) expect(shown?.until).toBeUndefined();
        else
          expect(shown?.until).toBe(
            applying
              .map(({ until }) => until)
              .sort()
              .at(-1),
          );
      }),
    );
  });
});
