import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

/** One row of a result. */
export type Row = Readonly<Record<string, unknown>>;

/** One connection to a file, with its statements prepared once. */
export class SqliteConnection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #commits = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Transactions that were made durable. */
  get commits(): number {
    return this.#commits;
  }

  /** Holds the write lock from its beginning: what is read in it cannot change before it ends. */
  transaction<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      this.#commits += 1;
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** Changes rows; returns how many. */
  run(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  /** Adds a row; returns its number, and nothing when it was there before. */
  add(sql: string, ...values: readonly SQLInputValue[]): number | undefined {
    const { changes, lastInsertRowid } = this.#statement(sql).run(...values);
    return changes === 1 ? Number(lastInsertRowid) : undefined;
  }

  all(sql: string, ...values: readonly SQLInputValue[]): readonly Row[] {
    return this.#statement(sql).all(...values);
  }

  one(sql: string, ...values: readonly SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values);
  }

  /** Changes whenever another connection has changed the file. */
  version(): number {
    return Number(this.one('PRAGMA data_version')?.['data_version']);
  }

  /** Gives pages that are free back to the file system, at most so many, so that it never holds the disk for long. */
  shrink(pages: number): void {
    if (this.one('PRAGMA freelist_count')?.['freelist_count'] === 0) return;
    this.#database.exec(`PRAGMA incremental_vacuum(${pages})`);
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
