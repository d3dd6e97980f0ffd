/**
 * The audit log in one SQLite file.
 *
 * A write takes four stages: redact and serialize, queue for the group commit of this turn, append to the hash chain in
 * one transaction, flush. A promise resolves after the flush.
 *
 * S11: an event has at most one terminal record; a second one is refused silently.
 * S12: an intent is durable before its promise resolves.
 * S17: entries are only ever added, each one carries the hash of the one before, and secrets are cut out first.
 *
 * Not here: retention. Start a new file and keep the old one; the head of the chain says where it ended.
 */
import { PortError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import type { AuditLog, Clock, LateVoteRecord } from '@lazarus/core/ports';
import { z } from 'zod';

import { createAppender, type Draft, readHead } from './append.ts';
import type { ChainHead, ChainReport, EntryKind } from './chain.ts';
import { openAuditFile } from './connection.ts';
import { createGroupCommit } from './group-commit.ts';
import type { RecentCommit, RecentObservation } from './history.ts';
import { createQueries } from './queries.ts';
import {
  ATTACHMENT_FIELDS,
  createRedaction,
  DECISION_FIELDS,
  LATE_VOTE_FIELDS,
  RUN_FIELDS,
} from './redaction.ts';
import { createWritability } from './writability.ts';
import { toAuditError } from './sqlite-failure.ts';
import { verifyChain, verifyTail } from './verification.ts';

/** How many of the last entries are checked when a file is opened. */
const TAIL = 100;

/** Options of {@link createSqliteAudit}. */
export const SqliteAuditOptions = z.strictObject({
  /** Path of the database, on a local disk. Two more files appear beside it (`-wal`, `-shm`). */
  file: z
    .string()
    .min(1)
    .refine((file) => file !== ':memory:', 'a log in memory is no record: name a file'),
  /** How long to wait for another process that writes to the same file, milliseconds. */
  busyTimeoutMs: z.int().min(0).max(60_000).default(2000),
  /** Values that must never be stored, wherever they occur. */
  secrets: z.array(z.string().min(6)).readonly().default([]),
});

/** Options as a caller writes them. */
export type SqliteAuditOptionsInput = z.input<typeof SqliteAuditOptions>;

/** The audit log of one node, or of several that share a file. */
export interface SqliteAudit extends AuditLog {
  /** Walks the chain from the first entry and names the first broken one. */
  verify(): Promise<ChainReport>;
  /** End of the chain; keep a copy elsewhere to notice a rewritten file. */
  head(): Promise<ChainHead>;
  /** Counted events that were received in the last `windowMs`, oldest first: rebuilds the rolling windows. Keeps S7. */
  recentObservations(windowMs: number): Promise<readonly RecentObservation[]>;
  /**
   * Remediations that were committed or ended in the last `windowMs`, and older ones that have not ended, oldest first:
   * rebuilds the budgets. Keeps S6.
   */
  recentCommits(windowMs: number): Promise<readonly RecentCommit[]>;
  /** Notes a vote that arrived when its ballot was over. */
  lateVote(late: LateVoteRecord): Promise<void>;
  /** Votes about a decision that arrived too late, oldest first. */
  lateVotes(decisionId: string): Promise<readonly LateVoteRecord[]>;
  /** Whether records can be written now; after a failed write this tries one beside the log. */
  health(): { readonly ok: true } | { readonly ok: false; readonly reason: string };
  /** Writes what is queued and closes the file. */
  close(): Promise<void>;
}

/**
 * Opens an audit log, creates it if needed, and checks its last entries.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID` for options.
 * @throws PortError `LZ_AUDIT_UNAVAILABLE` when the file cannot be used, `LZ_AUDIT_CORRUPT` when it is damaged.
 * @example
 * ```ts
 * const audit = await createSqliteAudit({ file: 'audit.db', clock });
 * await audit.conclude(record);
 * const report = await audit.verify();
 * ```
 */
export async function createSqliteAudit(
  options: SqliteAuditOptionsInput & { readonly clock: Clock },
): Promise<SqliteAudit> {
  const { clock, ...rest } = options;
  const { file, busyTimeoutMs, secrets } = parseOptions('createSqliteAudit', SqliteAuditOptions, rest);
  const guard = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw toAuditError(error, file);
    }
  };

  const db = await openAuditFile({ file, busyTimeoutMs }).catch((error: unknown) => {
    throw toAuditError(error, file);
  });
  const tail = guard(() => verifyTail(db, TAIL));
  if (!tail.intact) {
    db.close();
    throw brokenChain(file, tail.detail);
  }

  const redaction = createRedaction(secrets);
  const queries = createQueries(db);
  const append = createAppender(db, () => clock.now());
  const writability = createWritability(db, () => clock.now());
  const commits = createGroupCommit<Draft>((batch) => guard(() => writability.watch(() => append(batch))));
  let closing: Promise<void> | undefined;

  const assertOpen = (): void => {
    if (closing !== undefined) throw closedLog(file);
  };
  const store = async (
    kind: EntryKind,
    key: string,
    record: object,
    fields: readonly string[],
  ): Promise<void> => {
    assertOpen();
    const body = guard(() => redaction.json(record, fields));
    await commits.add({ kind, key: redaction.text(key), body });
  };
  const read = async <T>(query: () => T): Promise<T> => {
    assertOpen();
    return guard(query);
  };

  return {
    commitIntent: (record) => store('intent', record.event_id, record, DECISION_FIELDS),
    conclude: (record) => store('terminal', record.event_id, record, DECISION_FIELDS),
    runFinished: (run) => store('run', run.run_id, run, RUN_FIELDS),
    attachmentSettled: (settled) => store('attachment', settled.event_id, settled, ATTACHMENT_FIELDS),
    lateVote: (late) =>
      store('late_vote', `${late.decision_id}/${late.voter}/${late.received_at}`, late, LATE_VOTE_FIELDS),
    lateVotes: (decisionId) => read(() => queries.lateVotes(decisionId)),
    health: () =>
      closing === undefined ? writability.health() : { ok: false, reason: `audit log ${file} is closed` },
    byEvent: (eventId) => read(() => queries.byEvent(redaction.text(eventId))),
    find: (id) => read(() => queries.find(id)),
    decisions: (query = {}) => read(() => queries.decisions(query)),
    runsOf: (instanceId) => read(() => queries.runsOf(instanceId)),
    run: (runId) => read(() => queries.run(runId)),
    openRuns: () => read(() => queries.openRuns()),
    openAttachments: () => read(() => queries.openAttachments()),
    recentObservations: (windowMs) => read(() => queries.observationsSince(clock.now() - windowMs)),
    recentCommits: (windowMs) => read(() => queries.commitsSince(clock.now() - windowMs)),
    head: () => read(() => readHead(db)),
    verify: async () => {
      assertOpen();
      return verifyChain(db).catch((error: unknown) => {
        throw toAuditError(error, file);
      });
    },
    close: () => {
      closing ??= commits.drained().then(() => guard(() => db.close()));
      return closing;
    },
  };
}

function brokenChain(file: string, detail: string): PortError {
  return new PortError({
    code: 'LZ_AUDIT_CORRUPT',
    message: `audit log ${file}: ${detail}; keep the file for examination and start with a fresh one`,
    details: { file },
    retryable: false,
  });
}

function closedLog(file: string): PortError {
  return new PortError({
    code: 'LZ_AUDIT_UNAVAILABLE',
    message: `audit log ${file} is closed`,
    details: { file },
    retryable: false,
  });
}
