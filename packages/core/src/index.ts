/** What a program that embeds Lazarus, or writes a plugin for it, uses. The parts of a node have entry points of their own. */
export { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker/circuit-breaker.ts';
export type { Mode, Snapshot } from './config/snapshot.ts';
export { createLazarus, type Lazarus, type LazarusOptions } from './controller/create-lazarus.ts';
export type { RunHandler } from './controller/handler-engine.ts';
export type { LazarusPorts } from './controller/lazarus-ports.ts';
export type { Decision, EscalationReason, SuppressionReason } from './decision/decision.ts';
export { describeDecision } from './decision/decision.ts';
export { type ExitName, type GateId, LADDER } from './decision/ladder.ts';
export type { DecisionRecord, GateRecord, PageRecord } from './decision/record.ts';
export {
  ConfigurationError,
  describeError,
  InvariantError,
  isLazarusError,
  type Issue,
  LazarusError,
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
export { type EventParse, parseEvent, type ParseEventOptions } from './events/parse-event.ts';
export { type CompiledPatterns, compilePatterns, type NamedPattern } from './patterns/compile-patterns.ts';
export { BUILT_IN_PRECONDITIONS } from './preconditions/built-in-preconditions.ts';
export { definePrecondition, type PreconditionSpec } from './preconditions/define-precondition.ts';
export { evaluatePrechecks, type PrecheckInput } from './preconditions/evaluate-prechecks.ts';
export type {
  BoundPrecondition,
  Precondition,
  PreconditionContext,
  Verdict,
} from './preconditions/precondition.ts';
export {
  createPreconditionRegistry,
  type PreconditionRegistry,
} from './preconditions/precondition-registry.ts';
export { createServiceLimiter, type ServiceLimiter } from './rate-limit/service-limiter.ts';
export { createSystemClock } from './time/system-clock.ts';
