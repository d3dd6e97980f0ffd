/** Everything that one destructive action is charged to. */
export interface BudgetCharge {
  /** Same decision, same charge: reserving twice counts once. */
  readonly decisionId: string;
  readonly service: string;
  readonly zone: string;
  /** Zones that it counts in as well, because something was launched there. */
  readonly otherZones?: readonly string[];
  readonly account: string;
  readonly region: string;
}

/** Scopes that carry a blast-radius bound. */
export type BudgetScope = 'service' | 'zone' | 'account' | 'region';

/** Answer to a reservation; a spent budget is a value. */
export type BudgetAnswer =
  | { readonly granted: true; readonly inFlight: number; readonly perHour: number }
  | {
      readonly granted: false;
      readonly scope: BudgetScope;
      readonly bound: 'in_flight' | 'per_hour' | 'zones_in_flight';
      readonly used: number;
      readonly max: number;
    };

/**
 * Blast-radius budget: destructive effects in flight and per hour, reserved atomically before anything happens, durable,
 * and independent of rules, votes and plugins. Unreadable means nothing left. Keeps S6 and S5.
 */
export interface Budgets {
  /** @throws PortError `LZ_BUDGET_UNAVAILABLE`. */
  reserve(charge: BudgetCharge): Promise<BudgetAnswer>;
  /** Asks without reserving (shadow mode, `plan`). @throws PortError `LZ_BUDGET_UNAVAILABLE`. */
  peek(charge: BudgetCharge): Promise<BudgetAnswer>;
  /** True when this decision holds a reservation; an actuator asks this right before a destructive call. */
  holds(decisionId: string): Promise<boolean>;
  /**
   * Counts a reservation in another zone as well, without asking: what was launched there is there. Adapters that keep one
   * zone for each reservation leave it out. @throws PortError `LZ_BUDGET_UNAVAILABLE`.
   */
  alsoIn?(decisionId: string, zone: string): Promise<void>;
  /** Ends the in-flight part. `effects: false` also returns the hourly part, because nothing was done. */
  settle(decisionId: string, options: { readonly effects: boolean }): Promise<void>;
}
