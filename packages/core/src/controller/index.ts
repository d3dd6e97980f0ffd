/** The decision maker of a node and what follows a run: for those who wire a daemon of their own. */
export { decisionId, type DecisionSubject } from '../decision/decision-id.ts';
export { explainDecision, nearestChange } from '../decision/explain.ts';
export { type Explanation, ExplanationSchema } from '../decision/explanation-schema.ts';
export { supposedRun } from '../decision/run-request.ts';
export type { NearestChange } from '../decision/change.ts';
export { type Controller, ControllerOptions, type ControllerPorts, createController } from './controller.ts';
export {
  createRunGuard,
  EVIDENCE_FRESH_MS,
  type GuardedRun,
  type RunGuard,
  type RunGuardPorts,
  type SafePoint,
} from './run-guard.ts';
export { createRunOutcomes, type RunOutcomePorts, type RunOutcomes } from './run-outcomes.ts';
export { type BallotMemory, createBallotMemory } from './ballot-memory.ts';
