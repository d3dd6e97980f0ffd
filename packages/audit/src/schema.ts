/** Marks the file as ours: "LzAu". */
export const APPLICATION_ID = 0x4c7a4175;

/** Grows with every incompatible change of the tables. */
export const SCHEMA_VERSION = 2;

/**
 * One append-only table. The columns to search by are computed from the hashed body, so that an index can never say
 * something else than the record. Triggers refuse what an append-only log must never do. Keeps S17. `probe` is no part of the
 * log: it is where a log that failed finds out whether it can be written again.
 */
export const SCHEMA = `
CREATE TABLE entry (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('intent', 'terminal', 'run', 'attachment', 'late_vote')),
  key TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  body TEXT NOT NULL,
  prev TEXT NOT NULL,
  hash TEXT NOT NULL,
  decision_id TEXT GENERATED ALWAYS AS (json_extract(body, '$.decision_id')) VIRTUAL,
  service TEXT GENERATED ALWAYS AS (json_extract(body, '$.service')) VIRTUAL,
  host TEXT GENERATED ALWAYS AS (json_extract(body, '$.host')) VIRTUAL,
  host_id TEXT GENERATED ALWAYS AS (json_extract(body, '$.host_id')) VIRTUAL,
  decision TEXT GENERATED ALWAYS AS (json_extract(body, '$.decision.kind')) VIRTUAL,
  page_action TEXT GENERATED ALWAYS AS (json_extract(body, '$.page.action')) VIRTUAL,
  run_id TEXT GENERATED ALWAYS AS (json_extract(body, '$.decision.run_id')) VIRTUAL
) STRICT;
CREATE TABLE probe (id INTEGER PRIMARY KEY CHECK (id = 1), at_ms INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX entry_once ON entry (kind, key);
CREATE INDEX entry_decision_id ON entry (decision_id) WHERE kind IN ('intent', 'terminal');
CREATE INDEX entry_service ON entry (service, seq) WHERE kind IN ('intent', 'terminal');
CREATE INDEX entry_run_host ON entry (host_id, seq) WHERE kind = 'run';
CREATE INDEX entry_attached ON entry (seq) WHERE kind = 'terminal' AND page_action = 'follows';
CREATE INDEX entry_remediation ON entry (seq) WHERE decision = 'remediate';
CREATE INDEX entry_late_vote ON entry (decision_id, seq) WHERE kind = 'late_vote';
CREATE INDEX entry_time ON entry (at_ms);
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER entry_no_replace BEFORE INSERT ON entry
WHEN EXISTS (SELECT 1 FROM entry WHERE seq = NEW.seq OR (kind = NEW.kind AND key = NEW.key)) BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * One row per event: its terminal record, else its intent. The position is that of the first entry of the event, so
 * that paging neither repeats nor skips an event that is concluded meanwhile.
 */
export const EVENT_ROWS = `
FROM entry AS f
LEFT JOIN entry AS t ON f.kind = 'intent' AND t.kind = 'terminal' AND t.key = f.key
WHERE f.kind IN ('intent', 'terminal')
  AND (f.kind = 'intent' OR NOT EXISTS (SELECT 1 FROM entry AS i WHERE i.kind = 'intent' AND i.key = f.key))
`;
