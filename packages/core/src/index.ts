export type { Decision, EscalationReason, SuppressionReason } from './decision/decision.ts';
export { describeDecision } from './decision/decision.ts';
export { type ExitName, type GateId, LADDER } from './decision/ladder.ts';
export type { DecisionRecord, GateRecord, PageRecord } from './decision/record.ts';
export { ERROR_CODES, type ErrorCode } from './errors/codes.ts';
export {
  ConfigurationError,
  describeError,
  formatIssue,
  invariant,
  InvariantError,
  isLazarusError,
  type Issue,
  LazarusError,
  type LazarusErrorInit,
  LeaseLostError,
  PortError,
  WorkflowError,
} from './errors/lazarus-error.ts';
export {
  canonicalEventId,
  EventSchema,
  type LazarusEvent,
  type LazarusEventInput,
  MAX_EVENT_BYTES,
} from './events/event.ts';
export { defineEventType, type EventType, type EventTypeDefinition } from './events/event-type.ts';
export { createEventTypes, type EventTypes } from './events/event-types.ts';
export { type EventParse, parseEvent, type ParseEventOptions } from './events/parse-event.ts';
export type {
  BoundPrecondition,
  Precondition,
  PreconditionContext,
  Verdict,
} from './preconditions/precondition.ts';
export { isTimeout, withTimeout } from './time/with-timeout.ts';
export { createSystemClock } from './time/system-clock.ts';
export {
  type Controller,
  ControllerOptions,
  type ControllerPorts,
  createController,
} from './controller/controller.ts';
export type {
  EffectiveRule,
  Mode,
  Provenance,
  RuleMatch,
  Snapshot,
  SnapshotSummary,
} from './config/snapshot.ts';
export { decisionId, type DecisionSubject } from './decision/decision-id.ts';
export {
  createRunGuard,
  EVIDENCE_FRESH_MS,
  type GuardedRun,
  type RunGuard,
  type RunGuardPorts,
  type SafePoint,
} from './controller/run-guard.ts';
export { createRunOutcomes, type RunOutcomePorts, type RunOutcomes } from './controller/run-outcomes.ts';
export {
  type BreakerBounds,
  BreakerOptions,
  type BreakerState,
  stepBreaker,
} from './circuit-breaker/breaker.ts';
export { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker/circuit-breaker.ts';
export { compareFencingTokens } from './locks/fencing.ts';
export { parseOptions } from './errors/parse-options.ts';
export { PauseSchema } from './pauses/pause-table.ts';
export { entityBound, LimiterOptions } from './rate-limit/limiter.ts';
export { createServiceLimiter, type ServiceLimiter } from './rate-limit/service-limiter.ts';
export { type BudgetBounds, BudgetOptions } from './budget/budget.ts';
export { BUILT_IN_PRECONDITIONS } from './preconditions/built-in-preconditions.ts';
export { definePrecondition, type PreconditionSpec } from './preconditions/define-precondition.ts';
export { evaluatePrechecks, type PrecheckInput } from './preconditions/evaluate-prechecks.ts';
export { frozenCopy } from './preconditions/frozen-copy.ts';
export {
  createPreconditionRegistry,
  type PreconditionRegistry,
} from './preconditions/precondition-registry.ts';
export {
  type QuorumRequirement,
  requiring,
  type UnmetRequirement,
  unmetRequirements,
} from './preconditions/quorum-requirement.ts';
export * from './config/index.ts';
export {
  type CatalogOptions,
  compileConfig,
  type CompiledSnapshot,
  type KnownPlugin,
  type KnownWorkflow,
} from './config/index.ts';
export { createLazarus, type Lazarus, type LazarusOptions } from './controller/create-lazarus.ts';
export type { LazarusPorts } from './controller/lazarus-ports.ts';
export type { RunHandler } from './controller/handler-engine.ts';
