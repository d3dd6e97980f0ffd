import { PortError } from '@lazarus/core';
import { type AuditEntry, createMemoryAudit } from '@lazarus/core/memory';
import type { AuditLog } from '@lazarus/core/ports';

/** An audit log in memory that a test can look into and break. */
export interface FakeAuditLog extends AuditLog {
  /** Everything that was written, in order; refused and repeated writes are left out. */
  readonly entries: readonly AuditEntry[];
  /** From now on every call fails with `LZ_AUDIT_UNAVAILABLE`; `undefined` heals it. */
  fail(reason: string | undefined): void;
}

/** More than any test writes: a test sees everything. */
const MAX_RECORDS = 1_000_000;

/** Creates a {@link FakeAuditLog}: append-only, one intent and one terminal record per event. Keeps S11. */
export function createFakeAuditLog(): FakeAuditLog {
  const entries: AuditEntry[] = [];
  const log = createMemoryAudit({ maxRecords: MAX_RECORDS, onEntry: (entry) => void entries.push(entry) });
  let failure: string | undefined;

  const reach = (): AuditLog => {
    if (failure === undefined) return log;
    throw new PortError({ code: 'LZ_AUDIT_UNAVAILABLE', message: failure, retryable: true });
  };

  return {
    entries,
    fail: (reason) => {
      failure = reason;
    },
    commitIntent: async (record) => reach().commitIntent(record),
    conclude: async (record) => reach().conclude(record),
    runFinished: async (run) => reach().runFinished(run),
    attachmentSettled: async (settled) => reach().attachmentSettled(settled),
    byEvent: async (eventId) => reach().byEvent(eventId),
    find: async (id) => reach().find(id),
    decisions: async (query) => reach().decisions(query),
    runsOf: async (instanceId) => reach().runsOf(instanceId),
    run: async (runId) => reach().run(runId),
    openRuns: async () => reach().openRuns(),
    openAttachments: async () => reach().openAttachments(),
  };
}
