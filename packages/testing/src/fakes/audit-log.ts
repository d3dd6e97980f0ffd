import { PortError } from '@lazarus/core';
import type { AttachmentSettled, AuditLog, DecisionQuery, RunView } from '@lazarus/core/ports';
import type { DecisionRecord } from '@lazarus/core';

/** An audit log in memory. */
export interface FakeAuditLog extends AuditLog {
  /** Everything that was written, in order; refused and repeated writes are left out. */
  readonly entries: readonly AuditEntry[];
  /** From now on every call fails with `LZ_AUDIT_UNAVAILABLE`; `undefined` heals it. */
  fail(reason: string | undefined): void;
}

/** One write of a {@link FakeAuditLog}. */
export type AuditEntry =
  | { readonly kind: 'intent' | 'terminal'; readonly record: DecisionRecord }
  | { readonly kind: 'run'; readonly run: RunView }
  | { readonly kind: 'attachment'; readonly settled: AttachmentSettled };

interface Stored {
  readonly record: DecisionRecord;
  readonly terminal: boolean;
  readonly sequence: number;
}

/** Shortest prefix of an id that {@link AuditLog.find} accepts. */
const SHORTEST_PREFIX = 6;

/** Creates a {@link FakeAuditLog}: append-only, one intent and one terminal record per event. Keeps S11. */
export function createFakeAuditLog(): FakeAuditLog {
  const entries: AuditEntry[] = [];
  const byEvent = new Map<string, Stored>();
  const runs = new Map<string, RunView>();
  const settled = new Set<string>();
  let failure: string | undefined;

  const reach = (): void => {
    if (failure !== undefined)
      throw new PortError({ code: 'LZ_AUDIT_UNAVAILABLE', message: failure, retryable: true });
  };
  const newestFirst = (): Stored[] =>
    [...byEvent.values()].sort((left, right) => right.sequence - left.sequence);
  const store = (kind: 'intent' | 'terminal', record: DecisionRecord): void => {
    const sequence = byEvent.get(record.event_id)?.sequence ?? byEvent.size + 1;
    entries.push({ kind, record });
    byEvent.set(record.event_id, { record, terminal: kind === 'terminal', sequence });
  };

  return {
    entries,
    fail: (reason) => {
      failure = reason;
    },
    commitIntent: async (record) => {
      reach();
      if (!byEvent.has(record.event_id)) store('intent', record);
    },
    conclude: async (record) => {
      reach();
      if (byEvent.get(record.event_id)?.terminal !== true) store('terminal', record);
    },
    runFinished: async (run) => {
      reach();
      if (runs.has(run.run_id)) return;
      runs.set(run.run_id, run);
      entries.push({ kind: 'run', run });
    },
    attachmentSettled: async (attachment) => {
      reach();
      if (settled.has(attachment.event_id)) return;
      settled.add(attachment.event_id);
      entries.push({ kind: 'attachment', settled: attachment });
    },
    byEvent: async (eventId) => {
      reach();
      const stored = byEvent.get(eventId);
      return stored === undefined ? undefined : { record: stored.record, terminal: stored.terminal };
    },
    find: async (id) => {
      reach();
      return findById(newestFirst(), id);
    },
    decisions: async (query = {}) => {
      reach();
      return select(newestFirst(), query);
    },
    runsOf: async (instanceId) => {
      reach();
      return [...runs.values()]
        .filter((run) => run.host_id === instanceId && run.status !== 'running')
        .reverse();
    },
    run: async (runId) => {
      reach();
      return runs.get(runId);
    },
    openRuns: async () => {
      reach();
      return newestFirst()
        .map(({ record }) => record)
        .filter(({ decision }) => decision.kind === 'remediate' && !runs.has(decision.run_id));
    },
    openAttachments: async () => {
      reach();
      return newestFirst()
        .filter(({ record, terminal }) => terminal && isAttached(record) && !settled.has(record.event_id))
        .map(({ record }) => record);
    },
  };
}

function isAttached(record: DecisionRecord): boolean {
  return record.page.action === 'follows';
}

function findById(stored: readonly Stored[], id: string): DecisionRecord | undefined {
  const idsOf = (record: DecisionRecord): string[] => [
    record.event_id,
    ...(record.decision_id === undefined ? [] : [record.decision_id]),
  ];
  const exact = stored.find(({ record }) => idsOf(record).includes(id));
  if (exact !== undefined || id.length < SHORTEST_PREFIX) return exact?.record;
  const near = stored.filter(({ record }) => idsOf(record).some((candidate) => candidate.startsWith(id)));
  return near.length === 1 ? near[0]?.record : undefined;
}

function select(stored: readonly Stored[], query: DecisionQuery): DecisionRecord[] {
  const before =
    query.before === undefined
      ? Infinity
      : (stored.find(({ record }) => record.event_id === query.before)?.sequence ?? 0);
  return stored
    .filter(({ sequence }) => sequence < before)
    .map(({ record }) => record)
    .filter((record) => query.service === undefined || record.service === query.service)
    .filter((record) => query.host === undefined || record.host === query.host)
    .filter((record) => query.kind === undefined || record.decision.kind === query.kind)
    .slice(0, query.limit ?? 100);
}
