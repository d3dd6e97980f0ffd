import { stepRollout } from '@lazarus/core/config';
import type { RolloutInput, RolloutState, RolloutTerms } from '@lazarus/core/config';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutoffNow } from '../../src/rollout/rollout.ts';
import { cutoffsOf, POSITIONS, positionOf } from '../../src/rollout/wave-order.ts';

const TERMS: RolloutTerms = {
  waves: [0.1, 0.5, 1],
  bake: 1_000,
  max_error_rate: 0.25,
  min_outcomes: 2,
  window: 3_000,
};
const START: RolloutState = {
  edit: 'e',
  status: 'rolling',
  wave: 0,
  cutoffs: [10, 50, POSITIONS],
  waveSinceMs: 0,
  outcomes: [],
  because: 'begun',
};
const by = { author: 'ada', reason: 'looked at it' };

interface Move {
  readonly afterMs: number;
  readonly input: 'tick' | 'well' | 'badly' | 'stop' | 'resume' | 'roll_back';
}
const move: fc.Arbitrary<Move> = fc.record({
  afterMs: fc.integer({ min: 0, max: 1_500 }),
  input: fc.constantFrom('tick', 'tick', 'well', 'well', 'badly', 'resume', 'stop', 'roll_back'),
});

function inputOf(name: Move['input'], nowMs: number, watchedMs: number): RolloutInput {
  if (name === 'well' || name === 'badly')
    return { kind: 'outcomes', outcomes: [{ atMs: nowMs, failed: name === 'badly' }], watchedMs };
  return name === 'tick' ? { kind: 'tick', watchedMs } : { kind: name, ...by };
}

/** The same rules over the whole history, in the words of the design. */
function naive(moves: readonly Move[]): { status: string; wave: number } {
  let [status, wave, since, now] = ['rolling', 0, 0, 0];
  let history: { at: number; bad: boolean }[] = [];
  for (const { afterMs, input } of moves) {
    now += afterMs;
    if (input === 'roll_back' && (status === 'rolling' || status === 'stopped')) status = 'rolled_back';
    if (input === 'stop' && status === 'rolling') status = 'stopped';
    else if (input === 'resume' && (status === 'stopped' || status === 'rolled_back'))
      [status, wave, history, since] = ['rolling', status === 'stopped' ? wave : 0, [], now];
    else if (status === 'rolling' && (input === 'tick' || input === 'well' || input === 'badly')) {
      if (input !== 'tick') history.push({ at: now, bad: input === 'badly' });
      const counted = history.filter(({ at }) => now - at < 3_000);
      const bad = counted.filter((each) => each.bad).length;
      if (bad / Math.max(2, counted.length) > 0.25) status = 'stopped';
      else if (now - since >= 1_000) {
        wave += 1;
        if (wave === 3) [status, wave] = ['done', 2];
        else since = now;
      }
    }
  }
  return { status, wave };
}

describe('a rollout', () => {
  it('is where a naive reading of its whole history says, after every step', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
        let state = START;
        let nowMs = 0;
        for (const [index, { afterMs, input }] of moves.entries()) {
          nowMs += afterMs;
          state = stepRollout(TERMS, state, inputOf(input, nowMs, nowMs - state.waveSinceMs), nowMs).state;
          const { status, wave } = state;
          expect({ status, wave }).toEqual(naive(moves.slice(0, index + 1)));
        }
      }),
    );
  });

  it('takes the edit from nobody unless a person rolls it back, and says so whenever it changes', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
        let state = START;
        let nowMs = 0;
        for (const { afterMs, input } of moves) {
          nowMs += afterMs;
          const step = stepRollout(TERMS, state, inputOf(input, nowMs, nowMs - state.waveSinceMs), nowMs);
          if (input !== 'roll_back') expect(cutoffNow(step.state)).toBeGreaterThanOrEqual(cutoffNow(state));
          expect(step.verdict.changed).toBe(step.state !== state);
          expect(JSON.parse(JSON.stringify(step.state))).toEqual(step.state);
          state = step.state;
        }
      }),
    );
  });

  it('stops when 2 of 4 outcomes went wrong and 25 % may, and stays so until a person resumes it', () => {
    const outcomes = [false, false, true, true].map((failed, atMs) => ({ atMs, failed }));
    const stopped = stepRollout(TERMS, START, { kind: 'outcomes', outcomes, watchedMs: 10 }, 10);
    expect(stopped.verdict).toEqual({ changed: true, event: 'stopped' });
    expect(stopped.state.because).toBe('2 of 4 outcomes went wrong, at most 25 % may');
    expect(stepRollout(TERMS, stopped.state, { kind: 'tick', watchedMs: 1e9 }, 1e9).state).toBe(
      stopped.state,
    );
    const resumed = stepRollout(TERMS, stopped.state, { kind: 'resume', ...by }, 20);
    expect(resumed.state).toMatchObject({ status: 'rolling', wave: 0, outcomes: [] });
    expect(stepRollout(TERMS, resumed.state, { kind: 'tick', watchedMs: 1_000 }, 1_020).verdict.event).toBe(
      'advanced',
    );
  });

  it('stops at 2 of 2 failures although 3 outcomes are asked for, and waits while the share of few is too high', () => {
    const outcomes = [true, true].map((failed, atMs) => ({ atMs, failed }));
    const seen = { kind: 'outcomes', outcomes, watchedMs: 1e9 } as const;
    const few = { ...TERMS, min_outcomes: 3 };
    expect(stepRollout(few, START, seen, 10).verdict.event).toBe('stopped');
    const { state, verdict } = stepRollout({ ...TERMS, min_outcomes: 10 }, START, seen, 10);
    expect({ event: verdict.event, wave: state.wave, failed: state.outcomes.length }).toEqual({
      event: undefined,
      wave: 0,
      failed: 2,
    });
  });

  it('does not move on by the wall clock, only by the time for which a node has watched', () => {
    expect(stepRollout(TERMS, START, { kind: 'tick', watchedMs: 999 }, 1e12).verdict.changed).toBe(false);
    expect(stepRollout(TERMS, START, { kind: 'tick', watchedMs: 1_000 }, 0).verdict.event).toBe('advanced');
  });

  it('begins with its first wave when it is resumed after it was rolled back', () => {
    const rolledBack = stepRollout(TERMS, { ...START, wave: 1 }, { kind: 'roll_back', ...by }, 10).state;
    const { state } = stepRollout(TERMS, rolledBack, { kind: 'resume', ...by }, 20);
    expect(state).toMatchObject({ status: 'rolling', wave: 0, waveSinceMs: 20 });
  });

  it('remembers at most 500 outcomes (L5)', () => {
    const outcomes = Array.from({ length: 2_000 }, (_, atMs) => ({ atMs, failed: false }));
    const { state } = stepRollout(
      { ...TERMS, window: 1e9 },
      START,
      { kind: 'outcomes', outcomes, watchedMs: 0 },
      900,
    );
    expect(state.outcomes).toHaveLength(500);
  });
});

describe('the order of services', () => {
  const names = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 60 });

  it('puts as many services into each wave as its share asks for, at least one, and all into the last', () => {
    fc.assert(
      fc.property(names, (services) => {
        const reached = cutoffsOf([0.05, 0.5, 1], 'edit', services).map(
          (cutoff) => services.filter((service) => positionOf('edit', service) < cutoff).length,
        );
        const of = (share: number): number => Math.max(1, Math.ceil(share * services.length));
        expect(reached).toEqual([of(0.05), of(0.5), services.length]);
      }),
    );
  });

  it('is the same in any order of asking, moves nobody when a service comes, and differs from edit to edit', () => {
    const services = Array.from({ length: 200 }, (_, at) => `service-${at}`);
    const cutoffs = cutoffsOf([0.1, 1], 'edit', services);
    expect(cutoffsOf([0.1, 1], 'edit', services.toReversed())).toEqual(cutoffs);
    const first = (edit: string, cutoff = 0): string[] =>
      services.filter((each) => positionOf(edit, each) < cutoff);
    expect(first('edit', cutoffs[0])).toHaveLength(20);
    expect(first('other', cutoffsOf([0.1, 1], 'other', services)[0])).not.toEqual(first('edit', cutoffs[0]));
  });
});
