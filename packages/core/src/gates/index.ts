/** Bounds and state machines of the gates: for adapters that keep their state elsewhere. */
export { type BudgetBounds, BudgetOptions } from '../budget/budget.ts';
export {
  type BreakerBounds,
  BreakerOptions,
  type BreakerState,
  stepBreaker,
} from '../circuit-breaker/breaker.ts';
export { ageRefusal, targetRefusal } from '../decision/voter-refusals.ts';
export { observedEntity } from '../decision/walk.ts';
export { readEnvelope } from '../events/fast-envelope.ts';
export { compareFencingTokens } from '../locks/fencing.ts';
export { PauseSchema } from '../pauses/pause-table.ts';
export { frozenCopy } from '../preconditions/frozen-copy.ts';
export {
  type QuorumRequirement,
  requiring,
  type UnmetRequirement,
  unmetRequirements,
} from '../preconditions/quorum-requirement.ts';
export { entityBound, LimiterOptions } from '../rate-limit/limiter.ts';
