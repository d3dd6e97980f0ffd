import { DatabaseSync } from 'node:sqlite';
import { FROM_VERSION_1, SCHEMA, SCHEMA_VERSION } from './sqlite-schema.ts';

/** The file is not what this version can work with; trying again changes nothing. */
export class StoreInvariantError extends Error {
  override readonly name = 'StoreInvariantError';
}

/** Longest wait for another process that writes, milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens the file: WAL with `synchronous=FULL`, both read back and asserted, because a build may have another default that
 * makes commits look durable when they are not.
 *
 * @throws StoreInvariantError when they do not hold, or the file has a newer format; whatever SQLite throws.
 */
export function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    prepareDatabase(database);
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

/** Sets the pragmas and makes the tables. @throws StoreInvariantError. */
export function prepareDatabase(database: DatabaseSync): void {
  database.exec('PRAGMA auto_vacuum = INCREMENTAL');
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA wal_autocheckpoint = 2000');
  if (read(database, 'journal_mode') !== 'wal')
    throw new StoreInvariantError('the journal is not in WAL mode; is it on a local disk?');
  if (read(database, 'synchronous') !== 2)
    throw new StoreInvariantError('the journal is not synchronous=FULL');
  if (versionOf(database) !== SCHEMA_VERSION) bringUpToDate(database);
}

/** Of several processes that open the file at once, one does it, and the others find it done. */
function bringUpToDate(database: DatabaseSync): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    const found = versionOf(database);
    if (found === 0) database.exec(SCHEMA);
    if (found === 1) database.exec(FROM_VERSION_1);
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION};COMMIT`);
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK');
  }
}

function versionOf(database: DatabaseSync): number {
  const found = Number(read(database, 'user_version'));
  if (found <= SCHEMA_VERSION) return found;
  throw new StoreInvariantError(`the journal has format ${found}, this version knows ${SCHEMA_VERSION}`);
}

function read(database: DatabaseSync, pragma: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0];
}
