/**
 * The blast-radius budget as a state machine: how many destructive effects may be in flight and within the hour, for a
 * service, a zone, an account and a region. Pure: every step returns a new state.
 *
 * Invariants:
 * S6: no step ever leaves more reservations than a bound allows; the bounds do not depend on rules, votes or plugins.
 * S5: by default at most one action in flight per service, and in one zone per region.
 *
 * A reservation counts towards the hour from the moment it is made until an hour after it was settled.
 */
import { z } from 'zod';
import type { BudgetAnswer, BudgetCharge, BudgetScope } from '../ports/budgets.ts';

const bound = (value: number) => z.int().min(0).max(100_000).default(value);

/**
 * Bounds of the budget; 0 forbids everything.
 *
 * @remarks One in flight per service and one zone per region are stated in the design (S5); the others are ours.
 */
export const BudgetOptions = z.strictObject({
  /** Most decisions in flight, by scope. @defaultValue service 1, zone 5, account 5, region 5 */
  maxInFlight: z
    .strictObject({ service: bound(1), zone: bound(5), account: bound(5), region: bound(5) })
    .prefault({}),
  /** Most zones of a region with anything in flight. @defaultValue 1 */
  maxZonesInFlight: bound(1),
  /** Most decisions within the hour, by scope. @defaultValue service 3, zone 10, account 20, region 20 */
  maxPerHour: z
    .strictObject({ service: bound(3), zone: bound(10), account: bound(20), region: bound(20) })
    .prefault({}),
  /** Length of the hour. @defaultValue 3 600 000 */
  hourMs: z.int().min(1_000).max(86_400_000).default(3_600_000),
});

/** Bounds as the machine uses them. */
export type BudgetBounds = z.output<typeof BudgetOptions>;

/** What one decision has taken from the budget. */
export interface Reservation {
  readonly charge: BudgetCharge;
  /** Instant at which its effects were over; absent while it is in flight. */
  readonly settledAtMs?: number;
}

/** State of the budget; plain data. */
export interface BudgetState {
  readonly reservations: readonly Reservation[];
}

interface BudgetStep<V> {
  readonly state: BudgetState;
  readonly verdict: V;
}

const SCOPES: readonly BudgetScope[] = ['service', 'zone', 'account', 'region'];

/** Nothing spent. */
export const EMPTY_BUDGET: BudgetState = { reservations: [] };

/** Reserves, or says which bound is spent. The same decision reserves once, however often it asks. */
export function reserveBudget(
  bounds: BudgetBounds,
  state: BudgetState,
  charge: BudgetCharge,
  nowMs: number,
): BudgetStep<BudgetAnswer> {
  const current = withoutOld(bounds, state, nowMs);
  const others = current.reservations.filter((each) => each.charge.decisionId !== charge.decisionId);
  const own = current.reservations.find((each) => each.charge.decisionId === charge.decisionId);
  if (own !== undefined && own.settledAtMs === undefined)
    return { state: current, verdict: granted(current, own.charge) };
  const refusal = refuse(bounds, others, charge);
  if (refusal !== undefined) return { state: current, verdict: refusal };
  const next = { reservations: [...others, { charge }] };
  return { state: next, verdict: granted(next, charge) };
}

/** What {@link reserveBudget} would answer. */
export function peekBudget(
  bounds: BudgetBounds,
  state: BudgetState,
  charge: BudgetCharge,
  nowMs: number,
): BudgetAnswer {
  return reserveBudget(bounds, state, charge, nowMs).verdict;
}

/** Whether this decision has a reservation in flight: an actuator asks right before a destructive call. */
export function holdsBudget(state: BudgetState, decisionId: string): boolean {
  return state.reservations.some(
    (each) => each.charge.decisionId === decisionId && each.settledAtMs === undefined,
  );
}

/** Counts a reservation in flight in another zone as well: what was launched there is there, whatever the bounds say. */
export function alsoInZone(state: BudgetState, decisionId: string, zone: string): BudgetState {
  const reservations = state.reservations.map((each) => {
    const isMeant = each.charge.decisionId === decisionId && each.settledAtMs === undefined;
    if (!isMeant || zonesOf(each.charge).includes(zone)) return each;
    return { ...each, charge: { ...each.charge, otherZones: [...(each.charge.otherZones ?? []), zone] } };
  });
  return { reservations };
}

const zonesOf = ({ zone, otherZones = [] }: BudgetCharge): readonly string[] => [zone, ...otherZones];

/** Ends the in-flight part; without effects the hourly part is given back, too. A second call changes nothing. */
export function settleBudget(
  bounds: BudgetBounds,
  state: BudgetState,
  input: { readonly decisionId: string; readonly effects: boolean },
  nowMs: number,
): BudgetStep<{ readonly settled: boolean }> {
  const current = withoutOld(bounds, state, nowMs);
  if (!holdsBudget(current, input.decisionId)) return { state: current, verdict: { settled: false } };
  const reservations = current.reservations.flatMap((each) => {
    if (each.charge.decisionId !== input.decisionId) return [each];
    return input.effects ? [{ ...each, settledAtMs: nowMs }] : [];
  });
  return { state: { reservations }, verdict: { settled: true } };
}

function withoutOld(bounds: BudgetBounds, state: BudgetState, nowMs: number): BudgetState {
  const isCounted = (each: Reservation): boolean =>
    each.settledAtMs === undefined || nowMs - each.settledAtMs < bounds.hourMs;
  return state.reservations.every(isCounted) ? state : { reservations: state.reservations.filter(isCounted) };
}

function refuse(
  bounds: BudgetBounds,
  others: readonly Reservation[],
  charge: BudgetCharge,
): Extract<BudgetAnswer, { granted: false }> | undefined {
  const inFlight = others.filter((each) => each.settledAtMs === undefined);
  for (const scope of SCOPES) {
    const used = countIn(inFlight, scope, charge);
    const max = bounds.maxInFlight[scope];
    if (used >= max) return { granted: false, scope, bound: 'in_flight', used, max };
  }
  const zones = new Set(
    inFlight.filter((each) => isIn('region', each.charge, charge)).flatMap((each) => zonesOf(each.charge)),
  );
  const maxZones = bounds.maxZonesInFlight;
  if (!zones.has(charge.zone) && zones.size >= maxZones) {
    return { granted: false, scope: 'region', bound: 'zones_in_flight', used: zones.size, max: maxZones };
  }
  for (const scope of SCOPES) {
    const used = countIn(others, scope, charge);
    const max = bounds.maxPerHour[scope];
    if (used >= max) return { granted: false, scope, bound: 'per_hour', used, max };
  }
  return undefined;
}

function granted(state: BudgetState, charge: BudgetCharge): BudgetAnswer {
  const ofService = state.reservations.filter((each) => isIn('service', each.charge, charge));
  const inFlight = ofService.filter((each) => each.settledAtMs === undefined).length;
  return { granted: true, inFlight, perHour: ofService.length };
}

function countIn(reservations: readonly Reservation[], scope: BudgetScope, charge: BudgetCharge): number {
  return reservations.filter((each) => isIn(scope, each.charge, charge)).length;
}

/** Services and zones of the same name in two regions are two things; an account spans regions. */
function isIn(scope: BudgetScope, left: BudgetCharge, right: BudgetCharge): boolean {
  switch (scope) {
    case 'service':
      return left.region === right.region && left.service === right.service;
    case 'zone':
      return left.region === right.region && zonesOf(left).includes(right.zone);
    case 'account':
      return left.account === right.account;
    case 'region':
      return left.region === right.region;
  }
}
