import type { z } from 'zod';
import type { BudgetState } from '../budget/budget.ts';
import {
  alsoInZone,
  BudgetOptions,
  holdsBudget,
  peekBudget,
  reserveBudget,
  settleBudget,
} from '../budget/budget.ts';
import { PortError } from '../errors/lazarus-error.ts';
import { parseOptions } from '../errors/parse-options.ts';
import type { BudgetCharge, Budgets } from '../ports/budgets.ts';
import type { Clock } from '../ports/clock.ts';

/** A reservation from before this process started. */
export interface AgedReservation {
  readonly charge: BudgetCharge;
  /** How long ago its effects were over, milliseconds; absent while it is still in flight. */
  readonly settledAgeMs?: number;
}

/** Budgets within one process. */
export interface MemoryBudgets extends Budgets {
  /** Takes over what was reserved before this process started. An empty history is an answer, too. Keeps S6. */
  hydrate(history: readonly AgedReservation[]): void;
  /** Decisions with a reservation in flight. */
  inFlight(): readonly BudgetCharge[];
}

/**
 * Creates the blast-radius budget for the nodes of one process. Until {@link MemoryBudgets.hydrate} was called (or
 * `history` was passed) it is unreadable, and unreadable means nothing left.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 */
export function createMemoryBudgets(
  options: z.input<typeof BudgetOptions> & {
    readonly clock: Pick<Clock, 'monotonic'>;
    /** What was reserved before; an empty array says that nothing was. */
    readonly history?: readonly AgedReservation[];
  },
): MemoryBudgets {
  const { clock, history, ...rest } = options;
  const bounds = parseOptions('createMemoryBudgets', BudgetOptions, rest);
  let state: BudgetState | undefined;

  const known = (): BudgetState => {
    if (state !== undefined) return state;
    throw new PortError({
      code: 'LZ_BUDGET_UNAVAILABLE',
      message:
        'the budget does not know yet what was spent before the start; call hydrate() with the history',
      retryable: true,
    });
  };
  const hydrate = (past: readonly AgedReservation[]): void => {
    const nowMs = clock.monotonic();
    const own = new Set((state?.reservations ?? []).map(({ charge }) => charge.decisionId));
    const taken = past
      .filter(({ charge }) => !own.has(charge.decisionId))
      .map(({ charge, settledAgeMs }) =>
        settledAgeMs === undefined ? { charge } : { charge, settledAtMs: nowMs - settledAgeMs },
      );
    state = { reservations: [...taken, ...(state?.reservations ?? [])] };
  };
  if (history !== undefined) hydrate(history);

  return {
    hydrate,
    inFlight: () =>
      (state?.reservations ?? [])
        .filter((each) => each.settledAtMs === undefined)
        .map(({ charge }) => charge),
    reserve: async (charge) => {
      const step = reserveBudget(bounds, known(), charge, clock.monotonic());
      state = step.state;
      return step.verdict;
    },
    peek: async (charge) => peekBudget(bounds, known(), charge, clock.monotonic()),
    holds: async (decisionId) => state !== undefined && holdsBudget(state, decisionId),
    alsoIn: async (decisionId, zone) => {
      state = alsoInZone(known(), decisionId, zone);
    },
    settle: async (decisionId, { effects }) => {
      state = settleBudget(bounds, known(), { decisionId, effects }, clock.monotonic()).state;
    },
  };
}
