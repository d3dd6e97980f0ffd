/** The runbook lab: workflows in virtual time, with faults. */
export { checkRunbook, type RunbookReport, type RunbookViolation, runbookViolations } from './check-runbook.ts';
export { happyReply } from './happy-replies.ts';
export { type ActionReply, type Mock, type Mocks, type RunbookCall } from './mock-actions.ts';
export { runRunbook, type RunbookFault, type RunbookOptions, type RunbookResult } from './run-runbook.ts';
