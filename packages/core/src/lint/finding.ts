import type { Issue } from '../errors/lazarus-error.ts';
import type { LazarusEvent } from '../events/event.ts';

/** What kind of problem a finding is about; stable, for filters and reports. */
export type FindingCode =
  | 'invalid'
  | 'missing_value'
  | 'missing_check'
  | 'unreachable'
  | 'shadowed'
  | 'overlap'
  | 'scanned'
  | 'deadline'
  | 'check_timeout'
  | 'lock_ttl'
  | 'pager_acknowledgement'
  | 'pager_first_level'
  | 'pager_escalation'
  | 'doubtful_workflow';

/** One finding of the linter. */
export interface Finding {
  readonly code: FindingCode;
  /** `error`: the configuration is refused or unsafe. `warning`: it works and is probably not what was meant. */
  readonly severity: 'error' | 'warning';
  readonly rule?: string;
  readonly issue: Issue;
  /** An event that shows the problem. */
  readonly counterexample?: LazarusEvent;
}
