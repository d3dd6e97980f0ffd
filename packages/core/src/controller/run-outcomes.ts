import type { DecisionRecord } from '../decision/record.ts';
import { describeError } from '../errors/lazarus-error.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { Budgets } from '../ports/budgets.ts';
import type { Clock } from '../ports/clock.ts';
import type { Lease } from '../ports/locks.ts';
import type { Logger } from '../ports/logger.ts';
import type { Pager } from '../ports/pager.ts';
import type { RunView, WorkflowEngine } from '../ports/workflow-engine.ts';

/** What carrying a run's end to all who wait for it needs. */
export interface RunOutcomePorts {
  readonly audit: AuditLog;
  readonly budgets: Budgets;
  readonly pager: Pager;
  readonly engine: WorkflowEngine;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Carries the end of a run into the audit log, the budget, the lock, and the pages that follow it. */
export interface RunOutcomes {
  /** Keeps a lease alive until the run ends, also when the engine does not hold one itself. */
  hold(runId: string, lease: Lease): void;
  /** A run ended: record it first, then free what it held, then settle the pages attached to it. Idempotent. */
  finish(run: RunView): Promise<void>;
  /** Does what a process that died left undone: runs that ended unrecorded, pages attached to runs that are over. */
  sweep(): Promise<void>;
  /** Releases what is held. */
  close(): Promise<void>;
}

/** Creates {@link RunOutcomes}. Keeps S10: the page of an attached event ends as the run's page does. */
export function createRunOutcomes(ports: RunOutcomePorts, onSettled: (run: RunView) => void): RunOutcomes {
  const leases = new Map<string, Lease>();

  async function finish(run: RunView): Promise<void> {
    await ports.audit.runFinished(run);
    await ports.budgets.settle(run.run_id, { effects: true });
    await leases.get(run.run_id)?.release();
    leases.delete(run.run_id);
    if (run.status !== 'succeeded' && run.page !== 'escalated' && run.incident_key !== undefined) {
      await ports.pager.escalate({ incidentKey: run.incident_key, reason: `run ${run.run_id.slice(0, 12)} ${run.status}` });
    }
    for (const attached of await ports.audit.openAttachments()) {
      if (runOf(attached) === run.run_id) await settleAttachment(attached, run);
    }
    onSettled(run);
  }

  async function settleAttachment(attached: DecisionRecord, run: RunView): Promise<void> {
    const page = await followRun(attached.page.incident_key, run);
    await ports.audit.attachmentSettled({ event_id: attached.event_id, page, reason: `run ${run.run_id.slice(0, 12)} ${run.status}` });
  }

  async function followRun(incidentKey: string | undefined, run: RunView): Promise<'resolved' | 'escalated' | 'left_alone'> {
    if (incidentKey === undefined) return 'left_alone';
    const reason = `attached to run ${run.run_id.slice(0, 12)}, which ${run.status}`;
    const result =
      run.status === 'succeeded'
        ? await ports.pager.resolve({ incidentKey, note: reason })
        : await ports.pager.escalate({ incidentKey, reason });
    if (!result.done) return 'left_alone';
    return run.status === 'succeeded' ? 'resolved' : 'escalated';
  }

  /** The run of an attachment, or what stands in for it when it never came to be. */
  async function endOf(record: DecisionRecord): Promise<RunView | undefined> {
    const runId = runOf(record);
    if (runId === undefined) return undefined;
    const run = (await ports.engine.get(runId)) ?? (await ports.audit.run(runId));
    return run?.status === 'running' ? undefined : run;
  }

  async function sweep(): Promise<void> {
    for (const record of await ports.audit.openRuns()) {
      const run = await endOf(record);
      if (run !== undefined) await guarded('a finished run was not recorded', () => finish(run));
    }
    for (const attached of await ports.audit.openAttachments()) {
      const run = await endOf(attached);
      if (run !== undefined) await guarded('an attached page was not settled', () => settleAttachment(attached, run));
    }
  }

  async function guarded(message: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      ports.log.warn(message, { error: describeError(error) });
    }
  }

  return {
    hold: (runId, lease) => void leases.set(runId, lease),
    finish,
    sweep,
    async close() {
      // The leases of runs in flight are left to expire: another process takes the runs over.
      leases.clear();
      await Promise.resolve();
    },
  };
}

function runOf(record: DecisionRecord): string | undefined {
  return 'run_id' in record.decision ? record.decision.run_id : undefined;
}
