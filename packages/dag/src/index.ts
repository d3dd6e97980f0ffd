export {
  type Action,
  type ActionContext,
  actionId,
  type ActionOptions,
  type ActionPortName,
  type ActionPorts,
  defineAction,
  type HostTouch,
  type DryRun,
  type DryRunContext,
  type EffectCheck,
  type HostCommands,
  type HttpCaller,
  type ServiceActuator,
  type Undo,
} from './actions/action.ts';
export { type ActionRegistry, createActionRegistry } from './actions/action-registry.ts';
export { createGuardedHttpCaller, type GuardedHttpOptions } from './actions/adapters/guarded-http.ts';
export { type DryStep, dryRunWorkflow } from './actions/dry-run.ts';
export { createDryRuns, type DryRunPorts } from './actions/dry-runs.ts';
export { builtinActions } from './actions/builtin/index.ts';
export { stepError, type StepError, type StepErrorClass, toStepError } from './actions/step-error.ts';
export { coordinate, type CoordinatedRun, type CoordinatorOptions } from './coordinator/coordinate.ts';
export {
  type BodyContext,
  FencedBodyContext,
  type Pending,
  type RunHandle,
  type RunRecord,
  type Selected,
  type Settled,
  type StepBody,
} from './coordinator/run-handle.ts';
export { CANCEL_SIGNAL, MAX_ATTEMPT_MS } from './coordinator/limits.ts';
export type { BodyPorts, StepGuard, StepPoint } from './coordinator/step-body.ts';
export { stepView } from './coordinator/run-view.ts';
export type { StepState, StepStatus } from './coordinator/step-state.ts';
export { loadWorkflow, type LoadWorkflowOptions } from './document/load-workflow.ts';
export {
  canonicalJson,
  idempotencyKey,
  type InputDefinition,
  type Need,
  type RetryPolicy,
  type StepDefinition,
  type WorkflowDefinition,
} from './document/workflow-definition.ts';
export { WorkflowDocumentSchema } from './document/workflow-schema.ts';
export { createEmbeddedEngine, createEngine, type EmbeddedEngine } from './engine/embedded-engine.ts';
export {
  actionsUsed,
  assertActionsExist,
  canRun,
  type EngineOptions,
  type EngineTimes,
  EngineTimesSchema,
  missingPorts,
  type StepProgress,
} from './engine/engine-options.ts';
export { openSqliteJournal, type SqliteJournalOptions } from './engine/adapters/sqlite-journal.ts';
export type { Processes } from './engine/adapters/system-process.ts';
export type { Scheduler } from './engine/group-commit.ts';
export { holdsBudget, type BudgetPointPorts } from './engine/budget-point.ts';
export { askForHelp, callForHelp, type HelpAnswer, type HelpPorts } from './engine/call-for-help.ts';
export { journalView } from './engine/journal-view.ts';
export { createMemoryJournal } from './engine/memory-journal.ts';
export type {
  Journal,
  JournalEntry,
  JournalWrite,
  LoadedRun,
  RunQuery,
  RunSummary,
  StoredRun,
  WriteOutcome,
} from './engine/journal.ts';
export { createKnownWorkflows, type KnownWorkflows } from './engine/known-workflows.ts';
export { type LockVerdict, RunLock, type RunLockOptions } from './engine/run-lock.ts';
export { resolveInputs } from './engine/run-inputs.ts';
export { buildGraph, type Graph } from './graph/graph.ts';
export { checkMakeBeforeBreak, type MakeBeforeBreakFinding } from './graph/make-before-break.ts';
export { loadShippedWorkflows } from './shipped-workflows.ts';
