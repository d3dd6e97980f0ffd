import { z } from 'zod';
import type { DecisionRecord } from '../decision/record.ts';
import { parseOptions } from '../errors/parse-options.ts';
import type { AttachmentSettled, AuditLog, DecisionQuery } from '../ports/audit-log.ts';
import type { RunView } from '../ports/workflow-engine.ts';
import { createRunShelf } from './run-shelf.ts';

/** Options of {@link createMemoryAudit}. */
export const MemoryAuditOptions = z.strictObject({
  /**
   * Most records, and most finished runs, that are kept; what is not finished is kept on top. More than arrive while an
   * event is fresh: an event whose record is gone is a new one when it is delivered again. @defaultValue 10 000
   */
  maxRecords: z.int().min(1).max(10_000_000).default(10_000),
});

/** One accepted write. */
export type AuditEntry =
  | { readonly kind: 'intent' | 'terminal'; readonly record: DecisionRecord }
  | { readonly kind: 'run'; readonly run: RunView }
  | { readonly kind: 'attachment'; readonly settled: AttachmentSettled };

interface Stored {
  readonly record: DecisionRecord;
  readonly terminal: boolean;
}

/** Shortest prefix of an id that {@link AuditLog.find} accepts. */
const SHORTEST_PREFIX = 6;
const DEFAULT_PAGE = 100;
const LONGEST_PAGE = 1_000;

/**
 * Creates an audit log for one process: one intent and one terminal record per event, as everywhere, but nothing of it
 * survives the process and there is no hash chain. When it is full, the oldest records that are over go first; an open
 * run, an attached page that is not settled and an intent without its end are never dropped. Keeps S11.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 */
export function createMemoryAudit(
  options: z.input<typeof MemoryAuditOptions> & {
    /** Told about every accepted write, in order. */
    readonly onEntry?: (entry: AuditEntry) => void;
  } = {},
): AuditLog {
  const { onEntry, ...rest } = options;
  const { maxRecords } = parseOptions('createMemoryAudit', MemoryAuditOptions, rest);
  /** In the order of the first write of each event. */
  const byEvent = new Map<string, Stored>();
  /** Events whose run has no outcome yet, and the id of that run. */
  const openRuns = new Map<string, string>();
  const openAttachments = new Set<string>();
  const runs = createRunShelf(maxRecords);

  const isOver = (eventId: string, stored: Stored): boolean =>
    stored.terminal && !openRuns.has(eventId) && !openAttachments.has(eventId);
  const dropOldest = (): void => {
    for (const [eventId, stored] of byEvent) {
      if (byEvent.size <= maxRecords) return;
      if (isOver(eventId, stored)) byEvent.delete(eventId);
    }
  };
  const store = (kind: 'intent' | 'terminal', record: DecisionRecord): void => {
    const { event_id: eventId, decision } = record;
    byEvent.set(eventId, { record, terminal: kind === 'terminal' });
    if (decision.kind === 'remediate' && runs.get(decision.run_id) === undefined)
      openRuns.set(eventId, decision.run_id);
    else openRuns.delete(eventId);
    if (kind === 'terminal' && record.page.action === 'follows') openAttachments.add(eventId);
    onEntry?.({ kind, record });
    dropOldest();
  };
  const newestFirst = (eventIds: Iterable<string>): DecisionRecord[] =>
    [...eventIds].flatMap((eventId) => byEvent.get(eventId)?.record ?? []).reverse();

  return {
    commitIntent: async (record) => {
      if (!byEvent.has(record.event_id)) store('intent', record);
    },
    conclude: async (record) => {
      if (byEvent.get(record.event_id)?.terminal !== true) store('terminal', record);
    },
    runFinished: async (run) => {
      if (!runs.put(run)) return;
      for (const [eventId, runId] of openRuns) if (runId === run.run_id) openRuns.delete(eventId);
      onEntry?.({ kind: 'run', run });
    },
    attachmentSettled: async (settled) => {
      if (openAttachments.delete(settled.event_id)) onEntry?.({ kind: 'attachment', settled });
    },
    byEvent: (eventId) => {
      const stored = byEvent.get(eventId);
      return stored === undefined ? undefined : { ...stored };
    },
    find: async (id) => byEvent.get(id)?.record ?? findById(newestFirst(byEvent.keys()), id),
    decisions: async (query = {}) => select(newestFirst(byEvent.keys()), query),
    runsOf: (instanceId) => runs.of(instanceId),
    run: async (runId) => runs.get(runId),
    openRuns: async () => newestFirst(openRuns.keys()),
    openAttachments: async () => newestFirst(openAttachments),
  };
}

function findById(records: readonly DecisionRecord[], id: string): DecisionRecord | undefined {
  const exact = records.find((record) => record.decision_id === id);
  if (exact !== undefined || id.length < SHORTEST_PREFIX) return exact;
  const near = records.filter(
    (record) => record.event_id.startsWith(id) || record.decision_id?.startsWith(id) === true,
  );
  return near.length === 1 ? near[0] : undefined;
}

function select(records: readonly DecisionRecord[], query: DecisionQuery): DecisionRecord[] {
  const { before, service, host, kind } = query;
  const at = before === undefined ? -1 : records.findIndex((record) => record.event_id === before);
  if (before !== undefined && at < 0) return [];
  return records
    .slice(at + 1)
    .filter((record) => service === undefined || record.service === service)
    .filter((record) => host === undefined || record.host === host)
    .filter((record) => kind === undefined || record.decision.kind === kind)
    .slice(0, Math.min(query.limit ?? DEFAULT_PAGE, LONGEST_PAGE));
}
