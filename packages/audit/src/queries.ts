import type { DecisionRecord } from '@lazarus/core';
import type { DecisionQuery, RunView, LateVoteRecord } from '@lazarus/core/ports';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';

import { type RecentCommit, type RecentObservation, toCommit, toObservation } from './history.ts';
import { EVENT_ROWS } from './schema.ts';

/** Shortest prefix that {@link AuditQueries.find} accepts, characters. */
const MIN_PREFIX = 6;
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/** The reading half of the log; all calls are synchronous. */
export interface AuditQueries {
  byEvent(eventId: string): { readonly record: DecisionRecord; readonly terminal: boolean } | undefined;
  find(id: string): DecisionRecord | undefined;
  decisions(query: DecisionQuery): readonly DecisionRecord[];
  runsOf(instanceId: string): readonly RunView[];
  run(runId: string): RunView | undefined;
  openRuns(): readonly DecisionRecord[];
  openAttachments(): readonly DecisionRecord[];
  lateVotes(decisionId: string): readonly LateVoteRecord[];
  observationsSince(sinceMs: number): readonly RecentObservation[];
  commitsSince(sinceMs: number): readonly RecentCommit[];
}

type Row = Record<string, unknown>;

// The bodies were written by this package and are covered by the chain, so their shape is trusted.
const parseRecord = (row: Row): DecisionRecord => JSON.parse(String(row.body)) as DecisionRecord;
const parseRun = (row: Row): RunView => JSON.parse(String(row.body)) as RunView;
const parseRecords = (rows: readonly Row[]): readonly DecisionRecord[] => rows.map(parseRecord);

/** The record that speaks for a decision id: the one that remediates, else the first. */
function speaker(rows: readonly Row[]): Row | undefined {
  return rows.find((row) => row.decision === 'remediate') ?? rows[0];
}

function findRecord(db: DatabaseSync): (id: string) => DecisionRecord | undefined {
  const columns =
    'SELECT coalesce(t.body, f.body) AS body, f.key, f.decision_id, coalesce(t.decision, f.decision) AS decision';
  const byKey = db.prepare(`${columns} ${EVENT_ROWS} AND f.key = ?`);
  const byDecision = db.prepare(`${columns} ${EVENT_ROWS} AND f.decision_id = ? ORDER BY f.seq`);
  const byKeyPrefix = db.prepare(`${columns} ${EVENT_ROWS} AND f.key >= ? AND f.key < ? LIMIT 2`);
  const byDecisionPrefix = db.prepare(
    `${columns} ${EVENT_ROWS} AND f.decision_id >= ? AND f.decision_id < ? LIMIT 64`,
  );

  return (id) => {
    const exact = byKey.get(id) ?? speaker(byDecision.all(id));
    if (exact !== undefined || id.length < MIN_PREFIX) return exact && parseRecord(exact);
    const end = `${id}\u{10ffff}`;
    const events = byKeyPrefix.all(id, end);
    const decisions = byDecisionPrefix.all(id, end);
    const ids = new Set([...events.map((row) => row.key), ...decisions.map((row) => row.decision_id)]);
    const only = ids.size === 1 ? (events[0] ?? speaker(decisions)) : undefined;
    return only && parseRecord(only);
  };
}

function listDecisions(db: DatabaseSync): (query: DecisionQuery) => readonly DecisionRecord[] {
  const position = db.prepare(
    "SELECT min(seq) AS seq FROM entry WHERE kind IN ('intent', 'terminal') AND key = ?",
  );
  return (query) => {
    const where: string[] = [];
    const values: SQLInputValue[] = [];
    const add = (condition: string, value: SQLInputValue): void => {
      where.push(condition);
      values.push(value);
    };
    if (query.service !== undefined) add('f.service = ?', query.service);
    if (query.host !== undefined) add('f.host = ?', query.host);
    if (query.kind !== undefined) add('coalesce(t.decision, f.decision) = ?', query.kind);
    // The cursor is the event id of the last record of the page before; an unknown one has nothing before it.
    if (query.before !== undefined) add('f.seq < ?', Number(position.get(query.before)?.seq ?? 0));
    const limit = Math.min(MAX_LIMIT, Math.max(1, Math.trunc(query.limit ?? DEFAULT_LIMIT)));
    const conditions = where.map((condition) => ` AND ${condition}`).join('');
    const sql = `SELECT coalesce(t.body, f.body) AS body ${EVENT_ROWS}${conditions} ORDER BY f.seq DESC LIMIT ?`;
    return parseRecords(db.prepare(sql).all(...values, limit));
  };
}

function readHistory(db: DatabaseSync): Pick<AuditQueries, 'observationsSince' | 'commitsSince'> {
  const written = db.prepare(
    `SELECT coalesce(t.body, f.body) AS body ${EVENT_ROWS} AND (f.at_ms >= ?1 OR t.at_ms >= ?1) ORDER BY f.seq`,
  );
  // Remediations whose event ended otherwise (the pager refused, for example) had no effect and charge nothing. A run
  // without an end counts whatever its age: it is still in flight.
  const commits = db.prepare(`
    SELECT i.body, i.at_ms, r.at_ms AS finished_at_ms
    FROM entry AS i
    LEFT JOIN entry AS t ON t.kind = 'terminal' AND t.key = i.key
    LEFT JOIN entry AS r ON r.kind = 'run' AND r.key = i.run_id
    WHERE i.kind = 'intent' AND i.decision = 'remediate' AND (t.seq IS NULL OR t.decision = 'remediate')
      AND (i.at_ms >= ?1 OR r.at_ms >= ?1 OR r.seq IS NULL)
    ORDER BY i.seq`);
  return {
    // An entry is written after its event was received: the index by write time leaves nothing out.
    observationsSince: (sinceMs) =>
      parseRecords(written.all(sinceMs))
        .map(toObservation)
        .filter((seen) => seen !== undefined)
        .filter((seen) => seen.receivedAtMs >= sinceMs),
    commitsSince: (sinceMs) =>
      commits
        .all(sinceMs)
        .map((row) =>
          toCommit(parseRecord(row), {
            committedAtMs: Number(row.at_ms),
            ...(row.finished_at_ms === null ? {} : { finishedAtMs: Number(row.finished_at_ms) }),
          }),
        )
        .filter((commit) => commit !== undefined),
  };
}

/** Prepares the queries of an open log. */
export function createQueries(db: DatabaseSync): AuditQueries {
  const event = db.prepare(
    `SELECT coalesce(t.body, f.body) AS body, (f.kind = 'terminal' OR t.seq IS NOT NULL) AS terminal ${EVENT_ROWS} AND f.key = ?`,
  );
  const runs = db.prepare("SELECT body FROM entry WHERE kind = 'run' AND host_id = ? ORDER BY seq DESC");
  const run = db.prepare("SELECT body FROM entry WHERE kind = 'run' AND key = ?");
  // An intent speaks for its event until there is a terminal record, whatever that one says.
  const openRuns = db.prepare(`
    SELECT body FROM entry AS e
    WHERE kind IN ('intent', 'terminal') AND decision = 'remediate'
      AND NOT EXISTS (SELECT 1 FROM entry AS r WHERE r.kind = 'run' AND r.key = e.run_id)
      AND (kind = 'terminal' OR NOT EXISTS (SELECT 1 FROM entry AS t WHERE t.kind = 'terminal' AND t.key = e.key))
    ORDER BY seq`);
  const openAttachments = db.prepare(`
    SELECT body FROM entry AS t
    WHERE kind = 'terminal' AND page_action = 'follows'
      AND NOT EXISTS (SELECT 1 FROM entry AS s WHERE s.kind = 'attachment' AND s.key = t.key)
    ORDER BY seq`);
  const lateVotes = db.prepare(
    "SELECT body FROM entry WHERE kind = 'late_vote' AND decision_id = ? ORDER BY seq",
  );
  return {
    lateVotes: (decisionId) =>
      lateVotes.all(decisionId).map((row) => JSON.parse(String(row.body)) as LateVoteRecord),
    byEvent: (eventId) => {
      const row = event.get(eventId);
      return row && { record: parseRecord(row), terminal: row.terminal === 1 };
    },
    find: findRecord(db),
    decisions: listDecisions(db),
    runsOf: (instanceId) => runs.all(instanceId).map(parseRun),
    run: (runId) => {
      const row = run.get(runId);
      return row && parseRun(row);
    },
    openRuns: () => parseRecords(openRuns.all()),
    openAttachments: () => parseRecords(openAttachments.all()),
    ...readHistory(db),
  };
}
