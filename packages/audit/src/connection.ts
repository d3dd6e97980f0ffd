import type { DatabaseSync } from 'node:sqlite';

import { PortError } from '@lazarus/core';

import { FROM_VERSION_1 } from './migration.ts';
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from './schema.ts';

/** Reads one number from a pragma or a one-column query. */
export function readNumber(db: DatabaseSync, sql: string): number {
  const row = db.prepare(sql).get();
  const value = row === undefined ? undefined : Object.values(row)[0];
  return typeof value === 'number' ? value : 0;
}

function refuse(file: string, message: string): never {
  throw new PortError({
    code: 'LZ_AUDIT_UNAVAILABLE',
    message: `audit log ${file} ${message}`,
    details: { file },
    retryable: false,
  });
}

function configure(db: DatabaseSync, file: string, busyTimeoutMs: number): void {
  db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  const journal = db.prepare('PRAGMA journal_mode = WAL').get() as { journal_mode?: string } | undefined;
  if (journal?.journal_mode !== 'wal') refuse(file, 'cannot use a write-ahead log: put it on a local disk');
  // FULL flushes at every commit; fullfsync makes macOS flush the drive as well. A no-op elsewhere.
  db.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON');
  if (readNumber(db, 'PRAGMA synchronous') !== 2) refuse(file, 'cannot be flushed at every commit');
}

/** Creates the tables, or brings those of an older release to this one; all of it or nothing. */
function prepareTables(db: DatabaseSync, file: string): void {
  // IMMEDIATE: two processes that start together must not both create or migrate the tables.
  db.exec('BEGIN IMMEDIATE');
  try {
    const version = readNumber(db, 'PRAGMA user_version');
    const tables = readNumber(db, 'SELECT count(*) FROM sqlite_master');
    if (version === 0 && tables === 0) db.exec(SCHEMA);
    else if (readNumber(db, 'PRAGMA application_id') !== APPLICATION_ID)
      refuse(file, 'is some other database');
    else if (version === 1) db.exec(FROM_VERSION_1);
    else if (version !== SCHEMA_VERSION)
      refuse(file, `has version ${version}, this release reads up to ${SCHEMA_VERSION}`);
    db.exec('COMMIT');
  } catch (error) {
    // SQLite rolls back by itself on some failures, for example a full disk while it migrates.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/**
 * Opens the file, sets it to flush at every commit and checks that it really does.
 *
 * @throws PortError `LZ_AUDIT_UNAVAILABLE`.
 */
export async function openAuditFile(options: {
  readonly file: string;
  readonly busyTimeoutMs: number;
}): Promise<DatabaseSync> {
  // Loaded on use: whoever never opens an audit log never loads the database.
  const sqlite = await import('node:sqlite');
  const db = new sqlite.DatabaseSync(options.file);
  try {
    configure(db, options.file, options.busyTimeoutMs);
    prepareTables(db, options.file);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
