import { SCHEMA } from './schema.ts';

/**
 * Brings a file of version 1 to the present tables, which know late votes. A check cannot be changed in place, so the
 * entries are copied as they are: every byte that the chain hashes stays the same, and so does the highest position that
 * was ever given out, without which entries cut off the end before would no longer be missed. Runs within a transaction.
 * Keeps S17.
 */
export const FROM_VERSION_1 = `
DROP TRIGGER IF EXISTS entry_no_update;
DROP TRIGGER IF EXISTS entry_no_delete;
DROP TRIGGER IF EXISTS entry_no_replace;
DROP INDEX IF EXISTS entry_once;
DROP INDEX IF EXISTS entry_decision_id;
DROP INDEX IF EXISTS entry_service;
DROP INDEX IF EXISTS entry_run_host;
DROP INDEX IF EXISTS entry_attached;
DROP INDEX IF EXISTS entry_remediation;
DROP INDEX IF EXISTS entry_time;
ALTER TABLE entry RENAME TO entry_of_version_1;
${SCHEMA}
INSERT INTO entry (seq, kind, key, at_ms, body, prev, hash)
  SELECT seq, kind, key, at_ms, body, prev, hash FROM entry_of_version_1 ORDER BY seq;
DELETE FROM sqlite_sequence WHERE name = 'entry';
INSERT INTO sqlite_sequence (name, seq) SELECT 'entry', seq FROM sqlite_sequence WHERE name = 'entry_of_version_1';
DROP TABLE entry_of_version_1;
`;
