/** The runbook lab: workflows in virtual time, with faults. */
export {
  checkRunbook,
  type RunbookReport,
  type RunbookViolation,
  runbookViolations,
} from './check-runbook.ts';
export { happyReply } from './happy-replies.ts';
export { type ActionReply, type Mock, type Mocks, type RunbookCall } from './mock-actions.ts';
export { runRunbook, type RunbookFault, type RunbookOptions, type RunbookResult } from './run-runbook.ts';
export {
  type RunbookCoverage,
  runbookCoverage,
  type RunbookTestFailure,
  type RunbookTestOptions,
  type RunbookTestResult,
  runRunbookTests,
} from './runbook-test.ts';
export { RunbookTestSchema } from './runbook-test-schema.ts';
