/**
 * The journal's tables, synchronously and in plain values: what a worker thread can own and pass messages about. It and
 * what it is made of import nothing but Node, so that its thread starts fast.
 */
import type { WriteOutcome } from '../journal.ts';
import { deleteStale, findStale } from './retention.ts';
import { RunWriter } from './run-writer.ts';
import { SqliteConnection } from './sqlite-connection.ts';
import type { Row } from './sqlite-connection.ts';
import { openDatabase } from './sqlite-file.ts';
import type { StoreWrite } from './store-write.ts';

/** A running run as it was judged: nothing of this may have changed when it is taken. */
export interface SeenRun {
  readonly n: number;
  readonly epoch: number;
  /** Of its owner; `null` when nothing is known about it. */
  readonly leaseUntilMs: number | null;
  /** Nobody was or will be told that there is no such run: from now on that is settled. */
  readonly isAccepted: boolean;
}

/** A run as the tables hold it. */
export interface StoreRun {
  readonly run: Row;
  readonly request: string;
  readonly entries: readonly string[];
  readonly signals: readonly Row[];
}

/** Pages that one round of compaction gives back at most: 1 MB. */
const SHRINK_PAGES = 256;

const PROBE = '$probe';
const PROBE_BYTES = 256 * 1024;

/** Opens the file. @throws StoreInvariantError when it is not what is needed; whatever SQLite throws. */
export function openSqliteStore(file: string): SqliteStore {
  return new SqliteStore(new SqliteConnection(openDatabase(file)));
}

/** The tables of one file over one connection. Every method is one turn; the ones that write are one transaction. */
export class SqliteStore {
  readonly #connection: SqliteConnection;
  readonly #writer: RunWriter;
  #dataVersion = 0;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#writer = new RunWriter(connection);
  }

  /** Transactions that were made durable. */
  get commits(): number {
    return this.#connection.commits;
  }

  commit(writes: readonly StoreWrite[]): readonly WriteOutcome[] {
    try {
      return this.#connection.transaction(() => this.#writer.apply(writes));
    } catch (error) {
      this.#writer.forget();
      throw error;
    }
  }

  renew(id: string, process: string, leaseUntilMs: number): void {
    this.#connection.transaction(() =>
      this.#connection.run(
        'INSERT INTO owner (id, process, lease_until) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until',
        id,
        process,
        leaseUntilMs,
      ),
    );
  }

  /** Every running run, with what is known about its owner. */
  openRuns(): readonly Row[] {
    return this.#connection.all(
      "SELECT r.n, r.id, r.owner, r.epoch, r.definition, r.started_at, r.deadline_at, r.answer_by, o.process, o.lease_until FROM run r LEFT JOIN owner o ON o.id = r.owner WHERE r.status = 'running'",
    );
  }

  /** S4: takes over runs whose epoch is still the one that was seen, from owners that have not renewed meanwhile. */
  take(owner: string, seen: readonly SeenRun[]): readonly StoreRun[] {
    this.#writer.forget();
    const taken = this.#connection.transaction(() =>
      seen.filter(
        ({ n, epoch, leaseUntilMs, isAccepted }) =>
          this.#connection.run(
            "UPDATE run SET owner = ?, epoch = epoch + 1, answer_by = iif(?, NULL, answer_by) WHERE n = ? AND epoch = ? AND status = 'running' AND (SELECT lease_until FROM owner WHERE id = run.owner) IS ?",
            owner,
            isAccepted ? 1 : 0,
            n,
            epoch,
            leaseUntilMs,
          ) === 1,
      ),
    );
    return taken
      .map(({ n }) => this.#loadRow(this.#connection.one('SELECT * FROM run WHERE n = ?', n)))
      .filter((run) => run !== undefined);
  }

  owned(owner: string): readonly Row[] {
    return this.#connection.all("SELECT id, epoch FROM run WHERE status = 'running' AND owner = ?", owner);
  }

  signals(id: string): readonly Row[] {
    const row = this.#connection.one('SELECT n FROM run WHERE id = ?', id);
    return row === undefined ? [] : this.#signals(Number(row['n']));
  }

  load(id: string): StoreRun | undefined {
    return this.#loadRow(this.#connection.one('SELECT * FROM run WHERE id = ?', id));
  }

  view(id: string): string | undefined {
    const row = this.#connection.one(
      'SELECT o.view FROM outcome o JOIN run r ON r.n = o.run WHERE r.id = ?',
      id,
    );
    return row === undefined ? undefined : String(row['view']);
  }

  has(id: string): boolean {
    return this.#connection.one('SELECT 1 AS found FROM run WHERE id = ?', id) !== undefined;
  }

  definition(digest: string): string | undefined {
    const row = this.#connection.one('SELECT body FROM definition WHERE digest = ?', digest);
    return row === undefined ? undefined : String(row['body']);
  }

  list(status: string | null, service: string | null, limit: number): readonly Row[] {
    return this.#connection.all(
      'SELECT id, workflow, service, host, status, started_at, ended_at FROM run WHERE (? IS NULL OR status = ?) AND (? IS NULL OR service = ?) ORDER BY n DESC LIMIT ?',
      status,
      status,
      service,
      service,
      limit,
    );
  }

  prune(nowMs: number, keepEntriesMs: number, keepRunsMs: number): number {
    const stale = findStale(this.#connection, nowMs, keepEntriesMs, keepRunsMs);
    const count = stale.lines.length + stale.runs.length;
    if (count > 0) {
      this.#writer.forget();
      deleteStale(this.#connection, stale, nowMs);
    }
    this.#connection.shrink(SHRINK_PAGES);
    return count;
  }

  /** Writes more than one wave ever does, as an owner without runs, and takes it back. */
  probe(): void {
    this.renew(PROBE, ' '.repeat(PROBE_BYTES), 0);
    this.#connection.transaction(() => this.#connection.run('DELETE FROM owner WHERE id = ?', PROBE));
  }

  changedByOthers(): boolean {
    const version = this.#connection.version();
    const hasChanged = version !== this.#dataVersion;
    this.#dataVersion = version;
    return hasChanged;
  }

  close(): void {
    this.#connection.close();
  }

  #loadRow(run: Row | undefined): StoreRun | undefined {
    if (run === undefined) return undefined;
    const n = Number(run['n']);
    return {
      run,
      request: String(this.#connection.one('SELECT body FROM request WHERE run = ?', n)?.['body']),
      entries: this.#connection
        .all('SELECT body FROM entry WHERE run = ? ORDER BY seq', n)
        .map(({ body }) => String(body)),
      signals: this.#signals(n),
    };
  }

  #signals(n: number): readonly Row[] {
    return this.#connection.all('SELECT name, payload FROM signal WHERE run = ? ORDER BY seq', n);
  }
}
