/** The runbook lab: workflows in virtual time, with faults. */
export {
  checkRunbook,
  type RunbookReport,
  type RunbookViolation,
  runbookViolations,
} from './check-runbook.ts';
export { createLab } from './create-lab.ts';
export {
  compileLabConfig,
  type LabConfig,
  type LabDocuments,
  labDocuments,
  type LabPlugins,
} from './lab-config.ts';
export type { LabCoverage, PrecheckCoverage } from './lab-coverage.ts';
export type { Lab, LabDuration, LabEvent, LabFaults, LabOptions, Spy } from './lab-options.ts';
export type { LabOutcome, LabOutcomeName } from './lab-outcome.ts';
export type { HostHealth, LabHost } from './lab-world.ts';
export type { CheckReply, PrecheckReply } from './precheck-replies.ts';
export {
  recordedEvent,
  type RecordedMembers,
  recordedMembers,
  recordedReplies,
  type RecordedReply,
  type ReplayDifference,
} from './replay.ts';
export { happyReply } from './happy-replies.ts';
export { type ActionReply, type Mock, type Mocks, type RunbookCall } from './mock-actions.ts';
export { runRunbook, type RunbookFault, type RunbookOptions, type RunbookResult } from './run-runbook.ts';
export { ruleCoverage, type RunbookCoverage, runbookCoverage } from './coverage.ts';
export {
  type RunbookTestFailure,
  type RunbookTestOptions,
  type RunbookTestResult,
  runRunbookTests,
} from './runbook-test.ts';
export { RunbookTestSchema } from './runbook-test-schema.ts';
