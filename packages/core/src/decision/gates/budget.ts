/** Gate 13: is there blast radius left? Keeps S6. */
import { describeError } from '../../errors/lazarus-error.ts';
import type { BudgetCharge } from '../../ports/budgets.ts';
import { escalate, pass } from '../gate-outcome.ts';
import type { GateOutcome } from '../gate-outcome.ts';
import { isDry, known } from '../walk.ts';
import type { Walk } from '../walk.ts';

/** Gate 13. */
export async function budget(walk: Walk): Promise<GateOutcome> {
  const charge = chargeOf(walk);
  try {
    const answer = isDry(walk)
      ? await walk.reads.budgets.peek(charge)
      : await known(walk.effects).budgets.reserve(charge);
    if (!answer.granted) {
      const detail = `the ${answer.scope} has ${answer.used} of ${answer.max} (${answer.bound})`;
      return escalate('budget_spent', detail, { ...answer });
    }
    if (walk.isOver) await walk.effects?.budgets.settle(charge.decisionId, { effects: false });
    walk.budgetReserved = !isDry(walk);
    const spent = `${answer.inFlight} in flight, ${answer.perHour} within the hour`;
    return pass(spent, { ...answer, zone: charge.zone });
  } catch (error) {
    // S6: unreadable means nothing left.
    const detail = describeError(error);
    return escalate('budget_unavailable', detail, { error: detail });
  }
}

function chargeOf(walk: Walk): BudgetCharge {
  const { service, region, account } = known(walk.event);
  return {
    decisionId: known(walk.decisionId),
    service,
    zone: walk.target?.zone ?? 'all',
    account: walk.target?.incarnation.account ?? account ?? 'unknown',
    region,
  };
}
