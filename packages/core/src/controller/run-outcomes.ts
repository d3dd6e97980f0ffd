import type { DecisionRecord } from '../decision/record.ts';
import { describeError, isLazarusError } from '../errors/lazarus-error.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { Budgets } from '../ports/budgets.ts';
import type { Clock } from '../ports/clock.ts';
import type { Lease } from '../ports/locks.ts';
import type { Logger } from '../ports/logger.ts';
import type { Pager } from '../ports/pager.ts';
import type { RunView, WorkflowEngine } from '../ports/workflow-engine.ts';

/** Age of an intent without a run at which nobody can be working on it any more: well past every decision's deadline. */
const ORPHAN_AFTER_MS = 180_000;
const ORPHANED = 'the run of this decision was never started';
const UNREADABLE = 'nobody can say what became of the run of this decision: it cannot be read';

/** What carrying a run's end to all who wait for it needs. */
export interface RunOutcomePorts {
  readonly audit: AuditLog;
  readonly budgets: Budgets;
  readonly pager: Pager;
  readonly engine: WorkflowEngine;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
}

/**
 * Carries the end of each run into the audit log, the budget, the lock, and the pages that follow it. One per engine,
 * shared by the controllers that submit to it.
 */
export interface RunOutcomes {
  /** Keeps a lease alive until the run ends; one of a run that has ended already is released. */
  hold(runId: string, lease: Lease): void;
  /**
   * Does what a process that died left undone: runs that ended unrecorded, pages attached to runs that are over. Call it
   * at start, and from time to time. Never rejects: what fails is a warning, keeps nothing else from being done, and is
   * the next sweep's. The page of a run that cannot be read goes to a person.
   */
  sweep(): Promise<void>;
  /** Calls back after a run ended and its outcome is durable; returns the unsubscribe function. */
  onSettled(listener: (run: RunView) => void): () => void;
  /**
   * Stops listening, and resolves when the runs that have ended are settled. The leases of runs in flight are left to
   * expire: another process takes the runs over.
   */
  close(): Promise<void>;
}

/** Creates {@link RunOutcomes}. Keeps S10: the page of an attached event ends as the run's page does. */
export function createRunOutcomes(ports: RunOutcomePorts): RunOutcomes {
  const leases = new Map<string, Lease>();
  const listeners = new Set<(run: RunView) => void>();
  const settling = new Set<string>();
  const underWay = new Set<Promise<void>>();
  /** Open records whose page a person has because their run cannot be read; a new process tells once more. */
  const handedOver = new Set<string>();
  let isClosed = false;

  /** Ends the run's page, frees what it held, records it, and settles the pages attached to it. Each part is idempotent. */
  async function finish(run: RunView): Promise<void> {
    if (settling.has(run.run_id)) return;
    settling.add(run.run_id);
    try {
      // S10: a person first; a lock store or a budget that hangs or fails holds that up no more than the other way round.
      const told = await Promise.allSettled([escalateIfForgotten(run), letGo(run.run_id)]);
      // The record comes last, because a run without a record is what the sweep comes back to.
      for (const part of told) if (part.status === 'rejected') throw part.reason;
      await ports.audit.runFinished(run);
      for (const attached of await ports.audit.openAttachments()) {
        if (runOf(attached) === run.run_id) await settleAttachment(attached, run);
      }
    } finally {
      settling.delete(run.run_id);
    }
    for (const listener of listeners) listener(run);
  }

  async function letGo(runId: string): Promise<void> {
    await release(runId);
    await ports.budgets.settle(runId, { effects: true });
  }

  async function release(runId: string): Promise<void> {
    const lease = leases.get(runId);
    leases.delete(runId);
    await lease?.release();
  }

  /** S10: a workflow ends its page by itself; this is for an engine that could not, and for one that forgot to. */
  async function escalateIfForgotten(run: RunView): Promise<void> {
    if (run.page === 'resolved' || run.page === 'escalated') return;
    // A run whose request cannot be read does not know its page; the decision does.
    const incidentKey = run.incident_key ?? (await ports.audit.find(run.run_id))?.page.incident_key;
    if (incidentKey === undefined) return;
    await ports.pager.escalate({
      incidentKey,
      reason: `run ${run.run_id.slice(0, 12)} ${run.status} and left the page as it was`,
    });
  }

  async function settleAttachment(attached: DecisionRecord, run: RunView): Promise<void> {
    const page = await followRun(attached.page.incident_key, run);
    const reason = `run ${run.run_id.slice(0, 12)} ${run.status}`;
    await ports.audit.attachmentSettled({ event_id: attached.event_id, page, reason });
  }

  async function followRun(
    incidentKey: string | undefined,
    run: RunView,
  ): Promise<'resolved' | 'escalated' | 'left_alone'> {
    if (incidentKey === undefined) return 'left_alone';
    const reason = `attached to run ${run.run_id.slice(0, 12)}, which ${run.status}`;
    const result =
      run.status === 'succeeded'
        ? await ports.pager.resolve({ incidentKey, note: reason })
        : await ports.pager.escalate({ incidentKey, reason });
    if (!result.done) return 'left_alone';
    return run.status === 'succeeded' ? 'resolved' : 'escalated';
  }

  /** What the engine says of a run; what it has forgotten, or cannot read, may be in the audit log. */
  async function lookUp(runId: string): Promise<RunView | undefined> {
    try {
      return (await ports.engine.get(runId)) ?? (await ports.audit.run(runId));
    } catch (error) {
      const recorded = await ports.audit.run(runId).catch(() => undefined);
      if (recorded !== undefined) return recorded;
      throw error;
    }
  }

  async function guarded(message: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      ports.log.warn(`${message}; the next sweep does it`, { error: describeError(error) });
    }
  }

  function inBackground(message: string, work: () => Promise<void>): void {
    const ended = guarded(message, work).finally(() => underWay.delete(ended));
    underWay.add(ended);
  }

  /** A run can end before its decision does; then `finish` found no lease. Its outcome is recorded before it looks. */
  async function releaseIfOver(runId: string): Promise<void> {
    const run = await ports.engine.get(runId);
    if ((await ports.audit.run(runId)) === undefined && (run === undefined || run.status === 'running'))
      return;
    await release(runId);
  }

  /**
   * An intent, or an attachment, whose run never came to be: whoever wrote it is long past its deadline, so the page goes
   * to a person. Keeps S10 and S11.
   */
  async function conclusionOfOrphan(record: DecisionRecord): Promise<void> {
    const { incident_key: incidentKey } = record.page;
    if (incidentKey !== undefined) await ports.pager.escalate({ incidentKey, reason: ORPHANED });
    if (record.decision.kind !== 'remediate') {
      await ports.audit.attachmentSettled({ event_id: record.event_id, page: 'escalated', reason: ORPHANED });
      return;
    }
    await ports.budgets.settle(record.decision.run_id, { effects: false });
    await ports.audit.conclude({
      ...record,
      decision: { kind: 'escalate', reason: 'run_not_started', detail: ORPHANED },
      page: { ...record.page, action: incidentKey === undefined ? 'none' : 'escalated', detail: ORPHANED },
    });
  }

  function isOrphan(record: DecisionRecord): boolean {
    return ports.clock.now() - Date.parse(record.decided_at) >= ORPHAN_AFTER_MS;
  }

  /** Looks at the run of an open record, and does what its state asks for. */
  async function sweepRecord(record: DecisionRecord, onEnd: (run: RunView) => Promise<void>): Promise<void> {
    const runId = runOf(record);
    if (runId === undefined) return;
    let run: RunView | undefined;
    try {
      run = await lookUp(runId);
    } catch (error) {
      if (!isClosed && !isPortFailure(error)) await handOver(record);
      throw error;
    }
    if (run === undefined && isOrphan(record)) await conclusionOfOrphan(record);
    if (run !== undefined && run.status !== 'running') await onEnd(run);
  }

  /** The run of an open record cannot be read and never will be by itself: a person has its page, once. Keeps S10. */
  async function handOver(record: DecisionRecord): Promise<void> {
    const { incident_key: incidentKey } = record.page;
    if (handedOver.has(record.event_id)) return;
    if (incidentKey !== undefined) await ports.pager.escalate({ incidentKey, reason: UNREADABLE });
    if (record.decision.kind === 'remediate') handedOver.add(record.event_id);
    else
      await ports.audit.attachmentSettled({
        event_id: record.event_id,
        page: 'escalated',
        reason: UNREADABLE,
      });
  }

  async function sweepAll(
    what: string,
    read: () => Promise<readonly DecisionRecord[]>,
    each: (record: DecisionRecord) => Promise<void>,
  ): Promise<void> {
    await guarded(`the ${what} could not be listed`, async () => {
      for (const record of await read()) {
        await guarded(`one of the ${what} was not settled`, () => each(record));
      }
    });
  }

  const unsubscribe = ports.engine.onFinished((run) => {
    inBackground('a run ended but was not settled', () => finish(run));
  });

  return {
    hold(runId, lease) {
      const earlier = leases.get(runId);
      leases.set(runId, lease);
      if (earlier !== undefined && earlier !== lease)
        inBackground('an earlier lease of a run was not released', () => earlier.release());
      inBackground('the lease of a run that ended was not released', () => releaseIfOver(runId));
    },
    async sweep() {
      await sweepAll(
        'open runs',
        () => ports.audit.openRuns(),
        (record) => sweepRecord(record, finish),
      );
      for (const runId of [...leases.keys()]) {
        await guarded('the lease of a run that ended was not released', () => releaseIfOver(runId));
      }
      await sweepAll(
        'attached pages',
        () => ports.audit.openAttachments(),
        (attached) => sweepRecord(attached, (run) => settleAttachment(attached, run)),
      );
    },
    onSettled(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      isClosed = true;
      unsubscribe();
      await Promise.all(underWay);
      leases.clear();
    },
  };
}

function runOf(record: DecisionRecord): string | undefined {
  return 'run_id' in record.decision ? record.decision.run_id : undefined;
}

/** The store did not answer, so nothing is known about the run itself. */
function isPortFailure(error: unknown): boolean {
  return isLazarusError(error) && 'retryable' in error;
}
