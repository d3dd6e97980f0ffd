/** Version of the tables; a newer one is refused. */
export const SCHEMA_VERSION = 2;

/** What a file of version 1 lacks: all of its runs were accepted. */
export const FROM_VERSION_1 = 'ALTER TABLE run ADD COLUMN answer_by INTEGER';

/**
 * The tables of the journal. What grows is appended at the end of its table, so that the runs of one wave share the pages
 * that a commit writes; the row of a run itself is small, because it changes. Open runs have an index of their own, so
 * ten thousand finished ones cost nothing.
 */
export const SCHEMA = `
CREATE TABLE IF NOT EXISTS owner (
  id TEXT PRIMARY KEY,
  process TEXT NOT NULL,
  lease_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS definition (
  digest TEXT PRIMARY KEY,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  workflow TEXT NOT NULL,
  service TEXT NOT NULL,
  host TEXT,
  definition TEXT NOT NULL,
  status TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  owner TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  deadline_at INTEGER NOT NULL,
  ended_at INTEGER,
  pruned INTEGER NOT NULL,
  answer_by INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS run_open ON run (owner) WHERE status = 'running';
CREATE INDEX IF NOT EXISTS run_ended ON run (pruned, ended_at) WHERE status <> 'running';
CREATE TABLE IF NOT EXISTS request (
  run INTEGER PRIMARY KEY,
  body TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS outcome (
  run INTEGER PRIMARY KEY,
  view TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS entry (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS entry_run ON entry (run, seq);
CREATE TABLE IF NOT EXISTS signal (
  run INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  name TEXT NOT NULL,
  payload TEXT NOT NULL,
  PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
`;
