import type { AuditLog } from '../ports/audit-log.ts';
import type { Budgets } from '../ports/budgets.ts';
import type { Clock } from '../ports/clock.ts';
import type { Fleet } from '../ports/fleet.ts';
import type { Locks } from '../ports/locks.ts';
import type { Logger } from '../ports/logger.ts';
import type { Pager } from '../ports/pager.ts';
import type { Pauses } from '../ports/pauses.ts';
import type { Voters } from '../ports/voters.ts';
import type { Windows } from '../ports/windows.ts';
import type { WorkflowEngine } from '../ports/workflow-engine.ts';
import type { Claims } from './claims.ts';

/** Everything the decision reads. Nothing in it can change a host, a page or a lock. */
export interface DecisionReads {
  readonly clock: Clock;
  readonly log: Logger;
  readonly fleet: Fleet;
  /** Counting an event is part of receiving it; `plan` passes windows that only look. */
  readonly windows: Windows;
  readonly locks: Pick<Locks, 'inspect'>;
  readonly budgets: Pick<Budgets, 'peek'>;
  readonly pauses: Pick<Pauses, 'active'>;
  readonly voters: Voters;
  readonly audit: Pick<AuditLog, 'byEvent' | 'runsOf'>;
  readonly engine: Pick<WorkflowEngine, 'get'>;
  readonly claims: Claims;
}

/**
 * Everything with which the decision changes something. In mode `notify` and in `plan` it is simply not there, so a dry
 * run is dry by construction. Keeps S13.
 */
export interface DecisionEffects {
  readonly locks: Pick<Locks, 'acquire'>;
  readonly budgets: Pick<Budgets, 'reserve' | 'settle'>;
  readonly pager: Pick<Pager, 'acknowledge'>;
  readonly audit: Pick<AuditLog, 'commitIntent'>;
  readonly engine: Pick<WorkflowEngine, 'submit' | 'cancel'>;
}
