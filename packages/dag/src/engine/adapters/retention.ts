import type { Row, SqliteConnection } from './sqlite-connection.ts';

/** Rows that one round of compaction touches at most, so that it never holds the disk for long. */
const PRUNE_ROWS = 200;

/** An owner that held nothing for this long is forgotten, milliseconds. */
const FORGET_OWNER_MS = 86_400_000;

/** Runs that are over and older than what is kept: of some the lines go, of others everything. */
export interface Stale {
  readonly lines: readonly Row[];
  readonly runs: readonly Row[];
}

/** Finds the next runs to be cut down. */
export function findStale(
  connection: SqliteConnection,
  nowMs: number,
  keepEntriesMs: number,
  keepRunsMs: number,
): Stale {
  return {
    lines: connection.all(
      "SELECT n FROM run WHERE status <> 'running' AND pruned = 0 AND ended_at < ? LIMIT ?",
      nowMs - keepEntriesMs,
      PRUNE_ROWS,
    ),
    runs: connection.all(
      "SELECT n FROM run WHERE status <> 'running' AND pruned IN (0, 1) AND ended_at < ? LIMIT ?",
      nowMs - keepRunsMs,
      PRUNE_ROWS,
    ),
  };
}

/** Deletes them, with the definitions and owners that nothing needs any more. */
export function deleteStale(connection: SqliteConnection, { lines, runs }: Stale, nowMs: number): void {
  connection.transaction(() => {
    for (const row of [...lines, ...runs]) {
      connection.run('DELETE FROM entry WHERE run = ?', Number(row['n']));
      connection.run('DELETE FROM signal WHERE run = ?', Number(row['n']));
      connection.run('UPDATE run SET pruned = 1 WHERE n = ?', Number(row['n']));
    }
    for (const row of runs) {
      connection.run('DELETE FROM request WHERE run = ?', Number(row['n']));
      connection.run('DELETE FROM outcome WHERE run = ?', Number(row['n']));
      connection.run('DELETE FROM run WHERE n = ?', Number(row['n']));
    }
    connection.run('DELETE FROM definition WHERE digest NOT IN (SELECT definition FROM run)');
    connection.run(
      "DELETE FROM owner WHERE lease_until < ? AND id NOT IN (SELECT owner FROM run WHERE status = 'running')",
      nowMs - FORGET_OWNER_MS,
    );
  });
}
