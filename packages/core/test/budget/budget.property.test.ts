import type { BudgetCharge } from '@lazarus/core/ports';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BudgetState } from '../../src/budget/budget.ts';
import {
  alsoInZone,
  BudgetOptions,
  EMPTY_BUDGET,
  holdsBudget,
  peekBudget,
  reserveBudget,
  settleBudget,
} from '../../src/budget/budget.ts';

const HOUR_MS = 3_600_000;
const bounds = BudgetOptions.parse({});

const charge = (decisionId: string, overrides: Partial<BudgetCharge> = {}): BudgetCharge => ({
  decisionId,
  service: 'web',
  zone: 'a',
  account: '1',
  region: 'r',
  ...overrides,
});

/** Reserves what is known to be free. */
function reserved(state: BudgetState, wanted: BudgetCharge, nowMs = 0): BudgetState {
  const step = reserveBudget(bounds, state, wanted, nowMs);
  expect(step.verdict.granted).toBe(true);
  return step.state;
}

describe('budget', () => {
  it('allows one action in flight per service by default (S5)', () => {
    const state = reserved(EMPTY_BUDGET, charge('d1'));
    expect(reserveBudget(bounds, state, charge('d2'), 0).verdict).toEqual({
      granted: false,
      scope: 'service',
      bound: 'in_flight',
      used: 1,
      max: 1,
    });
    expect(reserveBudget(bounds, state, charge('d2', { service: 'api' }), 0).verdict.granted).toBe(true);
  });

  it('allows actions in one zone per region at a time by default (S5)', () => {
    const state = reserved(EMPTY_BUDGET, charge('d1'));
    const elsewhere = charge('d2', { service: 'api', zone: 'b' });
    expect(reserveBudget(bounds, state, elsewhere, 0).verdict).toMatchObject({
      granted: false,
      bound: 'zones_in_flight',
    });
    expect(reserveBudget(bounds, state, { ...elsewhere, region: 'other' }, 0).verdict.granted).toBe(true);
  });

  it('gives the same decision its reservation again and counts it once', () => {
    const once = reserved(EMPTY_BUDGET, charge('d1'));
    const twice = reserveBudget(bounds, once, charge('d1'), 5);
    expect(twice.verdict).toEqual({ granted: true, inFlight: 1, perHour: 1 });
    expect(twice.state.reservations).toHaveLength(1);
  });

  it('allows 3 actions per service within an hour, and a 4th exactly an hour after the first was over', () => {
    let state: BudgetState = EMPTY_BUDGET;
    for (const [decisionId, nowMs] of [
      ['d1', 0],
      ['d2', 10],
      ['d3', 20],
    ] as const) {
      state = reserved(state, charge(decisionId), nowMs);
      state = settleBudget(bounds, state, { decisionId, effects: true }, nowMs + 5).state;
    }
    const refused = { granted: false, scope: 'service', bound: 'per_hour', used: 3, max: 3 };
    expect(peekBudget(bounds, state, charge('d4'), HOUR_MS + 4)).toEqual(refused);
    expect(peekBudget(bounds, state, charge('d4'), HOUR_MS + 5).granted).toBe(true);
  });

  it('returns the hourly part only when nothing was done, and only once', () => {
    const state = reserved(EMPTY_BUDGET, charge('d1'));
    expect(settleBudget(bounds, state, { decisionId: 'd1', effects: false }, 1).state.reservations).toEqual(
      [],
    );
    const done = settleBudget(bounds, state, { decisionId: 'd1', effects: true }, 1);
    const again = settleBudget(bounds, done.state, { decisionId: 'd1', effects: false }, 2);
    expect(again.verdict).toEqual({ settled: false });
    expect(again.state.reservations).toHaveLength(1);
    expect(holdsBudget(again.state, 'd1')).toBe(false);
  });

  it('S5: counts a launch in another zone there, too: that zone is taken until the action is over', () => {
    const twoZones = BudgetOptions.parse({ maxZonesInFlight: 2, maxInFlight: { zone: 1 } });
    const launched = alsoInZone(reserved(EMPTY_BUDGET, charge('d1')), 'd1', 'b');
    const wanted = (zone: string) => charge('d2', { service: 'api', zone });
    expect(reserveBudget(twoZones, launched, wanted('b'), 0).verdict).toMatchObject({
      granted: false,
      scope: 'zone',
      bound: 'in_flight',
    });
    expect(reserveBudget(twoZones, launched, wanted('c'), 0).verdict).toMatchObject({
      granted: false,
      bound: 'zones_in_flight',
      used: 2,
    });
    expect(alsoInZone(launched, 'd1', 'b')).toEqual(launched);
    expect(alsoInZone(launched, 'unknown', 'c')).toEqual(launched);
    const over = settleBudget(twoZones, launched, { decisionId: 'd1', effects: true }, 0).state;
    expect(reserveBudget(twoZones, over, wanted('b'), 0).verdict.granted).toBe(true);
  });

  it('allows nothing when a bound is 0', () => {
    const none = BudgetOptions.parse({ maxPerHour: { region: 0 } });
    expect(reserveBudget(none, EMPTY_BUDGET, charge('d1'), 0).verdict).toMatchObject({
      scope: 'region',
      max: 0,
    });
  });

  it('grants exactly when a naive recount finds room, and never exceeds a bound, over random histories (S6)', () => {
    fc.assert(fc.property(steps, runAgainstModel), { numRuns: 300 });
  });
});

const steps = fc.array(
  fc.record({
    op: fc.constantFrom('reserve' as const, 'reserve' as const, 'settle' as const, 'undo' as const),
    decisionId: fc.integer({ min: 0, max: 20 }).map((number) => `d${number}`),
    service: fc.constantFrom('web', 'api', 'db'),
    zone: fc.constantFrom('a', 'b'),
    region: fc.constantFrom('r', 's'),
    afterMs: fc.integer({ min: 0, max: HOUR_MS / 3 }),
  }),
  { maxLength: 80 },
);

const small = BudgetOptions.parse({
  maxInFlight: { service: 2, zone: 3, account: 4, region: 3 },
  maxZonesInFlight: 2,
  maxPerHour: { service: 4, zone: 5, account: 7, region: 6 },
});

/** A decision as the model remembers it; nothing is ever removed. */
interface Spent {
  readonly charge: BudgetCharge;
  state: 'in_flight' | 'done' | 'undone';
  endedAtMs: number;
}

function runAgainstModel(
  sequence: readonly ({ op: 'reserve' | 'settle' | 'undo'; afterMs: number } & Omit<
    BudgetCharge,
    'account'
  >)[],
): void {
  let state: BudgetState = EMPTY_BUDGET;
  const model = new Map<string, Spent>();
  let nowMs = 0;
  for (const { op, afterMs, ...rest } of sequence) {
    nowMs += afterMs;
    const wanted: BudgetCharge = { ...rest, account: '1' };
    const own = model.get(wanted.decisionId);
    if (op !== 'reserve') {
      const step = settleBudget(
        small,
        state,
        { decisionId: wanted.decisionId, effects: op === 'settle' },
        nowMs,
      );
      state = step.state;
      expect(step.verdict.settled).toBe(own?.state === 'in_flight');
      if (own?.state !== 'in_flight') continue;
      own.state = op === 'settle' ? 'done' : 'undone';
      own.endedAtMs = nowMs;
      continue;
    }
    const step = reserveBudget(small, state, wanted, nowMs);
    state = step.state;
    const others = [...model.values()].filter((spent) => spent !== own);
    const isFree = own?.state === 'in_flight' || hasRoom(others, wanted, nowMs);
    expect(step.verdict.granted).toBe(isFree);
    if (isFree && own?.state !== 'in_flight')
      model.set(wanted.decisionId, { charge: wanted, state: 'in_flight', endedAtMs: 0 });
    expect([...model.values()].filter((spent) => spent.state === 'in_flight')).toHaveLength(
      state.reservations.filter((each) => each.settledAtMs === undefined).length,
    );
  }
}

function hasRoom(others: readonly Spent[], wanted: BudgetCharge, nowMs: number): boolean {
  const inFlight = others.filter((spent) => spent.state === 'in_flight');
  const hourly = others.filter(
    (spent) => spent.state === 'in_flight' || (spent.state === 'done' && nowMs - spent.endedAtMs < HOUR_MS),
  );
  const inRegion = (spent: Spent): boolean => spent.charge.region === wanted.region;
  const inService = (spent: Spent): boolean => inRegion(spent) && spent.charge.service === wanted.service;
  const inZone = (spent: Spent): boolean => inRegion(spent) && spent.charge.zone === wanted.zone;
  const zones = new Set([...inFlight.filter(inRegion).map((spent) => spent.charge.zone), wanted.zone]);
  return (
    inFlight.filter(inService).length < 2 &&
    inFlight.filter(inZone).length < 3 &&
    inFlight.length < 4 &&
    inFlight.filter(inRegion).length < 3 &&
    zones.size <= 2 &&
    hourly.filter(inService).length < 4 &&
    hourly.filter(inZone).length < 5 &&
    hourly.length < 7 &&
    hourly.filter(inRegion).length < 6
  );
}
