/**
 * The journal's tables, synchronously and in plain values: what a worker thread can own and pass messages about. It
 * imports nothing but Node, so that its thread starts fast.
 *
 * S4: owner and epoch are compared in the transaction that writes, so an owner that was replaced writes nothing.
 */
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import type { WriteOutcome } from '../journal.ts';
import { FROM_VERSION_1, SCHEMA, SCHEMA_VERSION } from './sqlite-schema.ts';

/** A write with its JSON parts as text. */
export type StoreWrite =
  | {
      readonly kind: 'create';
      readonly id: string;
      readonly workflow: string;
      readonly service: string;
      readonly host: string | null;
      readonly digest: string;
      readonly definition: string;
      readonly request: string;
      readonly epoch: number;
      readonly owner: string;
      readonly startedAtMs: number;
      readonly deadlineAtMs: number;
      readonly answerByMs: number | null;
    }
  | {
      readonly kind: 'append';
      readonly id: string;
      readonly owner: string;
      readonly epoch: number;
      readonly from: number;
      /** Number of lines in `body`. */
      readonly count: number;
      readonly body: string;
    }
  | {
      readonly kind: 'finish';
      readonly id: string;
      readonly owner: string;
      readonly epoch: number;
      readonly status: string;
      readonly endedAtMs: number;
      readonly view: string;
    }
  | { readonly kind: 'accept'; readonly id: string; readonly owner: string; readonly epoch: number }
  | { readonly kind: 'signal'; readonly id: string; readonly name: string; readonly payload: string };

/** One row of a result. */
export type Row = Readonly<Record<string, unknown>>;

/** A running run as it was judged: nothing of this may have changed when it is taken. */
export interface SeenRun {
  readonly n: number;
  readonly epoch: number;
  /** Of its owner; `null` when nothing is known about it. */
  readonly leaseUntilMs: number | null;
}

/** A run as the tables hold it. */
export interface StoreRun {
  readonly run: Row;
  readonly request: string;
  readonly entries: readonly string[];
  readonly signals: readonly Row[];
}

/** The file is not what this version can work with; trying again changes nothing. */
export class StoreInvariantError extends Error {
  override readonly name = 'StoreInvariantError';
}

/** Longest wait for another process that writes, milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

/** Rows that one round of compaction touches at most, so that it never holds the disk for long. */
const PRUNE_ROWS = 200;

/** An owner that held nothing for this long is forgotten, milliseconds. */
const FORGET_OWNER_MS = 86_400_000;

const PROBE = '$probe';
const PROBE_BYTES = 256 * 1024;

/** What this connection read, and what holds as long as no other connection has changed the file. */
interface Memory {
  readonly version: number;
  /** Row of a running run, by run, owner and epoch. */
  readonly owned: Map<string, number>;
  /** Lines of a run, by row. */
  readonly lines: Map<number, number>;
  readonly definitions: Set<string>;
}

const freshMemory = (version: number): Memory => ({
  version,
  owned: new Map(),
  lines: new Map(),
  definitions: new Set(),
});

interface Ownership {
  readonly id: string;
  readonly owner: string;
  readonly epoch: number;
}

const ownership = ({ id, owner, epoch }: Ownership): string => `${epoch} ${owner} ${id}`;

/**
 * Opens the file: WAL with `synchronous=FULL`, both read back and asserted, because a build may have another default that
 * makes commits look durable when they are not.
 *
 * @throws StoreInvariantError when they do not hold, or the file has a newer format; whatever SQLite throws.
 */
export function openSqliteStore(file: string): SqliteStore {
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    prepareDatabase(database);
  } catch (error) {
    database.close();
    throw error;
  }
  return new SqliteStore(database);
}

/** Sets the pragmas and makes the tables. @throws StoreInvariantError. */
export function prepareDatabase(database: DatabaseSync): void {
  database.exec('PRAGMA auto_vacuum = INCREMENTAL');
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA wal_autocheckpoint = 2000');
  const pragma = (name: string): unknown => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  if (pragma('journal_mode') !== 'wal')
    throw new StoreInvariantError('the journal is not in WAL mode; is it on a local disk?');
  if (pragma('synchronous') !== 2) throw new StoreInvariantError('the journal is not synchronous=FULL');
  const found = Number(pragma('user_version'));
  if (found > SCHEMA_VERSION)
    throw new StoreInvariantError(`the journal has format ${found}, this version knows ${SCHEMA_VERSION}`);
  if (found === SCHEMA_VERSION) return;
  const tables = found === 1 ? FROM_VERSION_1 : SCHEMA;
  database.exec(`BEGIN IMMEDIATE;${tables};PRAGMA user_version = ${SCHEMA_VERSION};COMMIT`);
}

/** The tables of one file over one connection. Every method is one turn; the ones that write are one transaction. */
export class SqliteStore {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #dataVersion = 0;
  #memory = freshMemory(-1);
  #commits = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Transactions that were made durable. */
  get commits(): number {
    return this.#commits;
  }

  commit(writes: readonly StoreWrite[]): readonly WriteOutcome[] {
    return this.#transaction(() => {
      this.#forgetWhatOthersChanged();
      return writes.map((write) => this.#apply(write));
    });
  }

  renew(id: string, process: string, leaseUntilMs: number): void {
    this.#transaction(() =>
      this.#run(
        'INSERT INTO owner (id, process, lease_until) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until',
        id,
        process,
        leaseUntilMs,
      ),
    );
  }

  /** Every running run, with what is known about its owner. */
  openRuns(): readonly Row[] {
    return this.#all(
      "SELECT r.n, r.id, r.owner, r.epoch, r.definition, r.started_at, r.deadline_at, r.answer_by, o.process, o.lease_until FROM run r LEFT JOIN owner o ON o.id = r.owner WHERE r.status = 'running'",
    );
  }

  /** S4: takes over runs whose epoch is still the one that was seen, from owners that have not renewed meanwhile. */
  take(owner: string, seen: readonly SeenRun[]): readonly StoreRun[] {
    this.#memory = freshMemory(-1);
    const taken = this.#transaction(() =>
      seen.filter(
        ({ n, epoch, leaseUntilMs }) =>
          this.#run(
            "UPDATE run SET owner = ?, epoch = epoch + 1 WHERE n = ? AND epoch = ? AND status = 'running' AND (SELECT lease_until FROM owner WHERE id = run.owner) IS ?",
            owner,
            n,
            epoch,
            leaseUntilMs,
          ) === 1,
      ),
    );
    return taken
      .map(({ n }) => this.#loadRow(this.#one('SELECT * FROM run WHERE n = ?', n)))
      .filter((run) => run !== undefined);
  }

  owned(owner: string): readonly Row[] {
    return this.#all("SELECT id, epoch FROM run WHERE status = 'running' AND owner = ?", owner);
  }

  signals(id: string): readonly Row[] {
    const row = this.#one('SELECT n FROM run WHERE id = ?', id);
    return row === undefined ? [] : this.#signals(Number(row['n']));
  }

  load(id: string): StoreRun | undefined {
    return this.#loadRow(this.#one('SELECT * FROM run WHERE id = ?', id));
  }

  view(id: string): string | undefined {
    const row = this.#one('SELECT o.view FROM outcome o JOIN run r ON r.n = o.run WHERE r.id = ?', id);
    return row === undefined ? undefined : String(row['view']);
  }

  has(id: string): boolean {
    return this.#one('SELECT 1 AS found FROM run WHERE id = ?', id) !== undefined;
  }

  definition(digest: string): string | undefined {
    const row = this.#one('SELECT body FROM definition WHERE digest = ?', digest);
    return row === undefined ? undefined : String(row['body']);
  }

  list(status: string | null, service: string | null, limit: number): readonly Row[] {
    return this.#all(
      'SELECT id, workflow, service, host, status, started_at, ended_at FROM run WHERE (? IS NULL OR status = ?) AND (? IS NULL OR service = ?) ORDER BY n DESC LIMIT ?',
      status,
      status,
      service,
      service,
      limit,
    );
  }

  prune(nowMs: number, keepEntriesMs: number, keepRunsMs: number): number {
    const stale = this.#all(
      "SELECT n FROM run WHERE status <> 'running' AND pruned = 0 AND ended_at < ? LIMIT ?",
      nowMs - keepEntriesMs,
      PRUNE_ROWS,
    );
    const old = this.#all(
      "SELECT n FROM run WHERE status <> 'running' AND pruned IN (0, 1) AND ended_at < ? LIMIT ?",
      nowMs - keepRunsMs,
      PRUNE_ROWS,
    );
    if (stale.length + old.length === 0) return 0;
    this.#memory = freshMemory(-1);
    this.#transaction(() => this.#delete(stale, old, nowMs));
    this.#database.exec('PRAGMA incremental_vacuum(256)');
    return stale.length + old.length;
  }

  /** Writes more than one wave ever does, as an owner without runs, and takes it back. */
  probe(): void {
    this.renew(PROBE, ' '.repeat(PROBE_BYTES), 0);
    this.#transaction(() => this.#run('DELETE FROM owner WHERE id = ?', PROBE));
  }

  changedByOthers(): boolean {
    const version = this.#version();
    const hasChanged = version !== this.#dataVersion;
    this.#dataVersion = version;
    return hasChanged;
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #delete(stale: readonly Row[], old: readonly Row[], nowMs: number): void {
    for (const row of [...stale, ...old]) {
      this.#run('DELETE FROM entry WHERE run = ?', Number(row['n']));
      this.#run('DELETE FROM signal WHERE run = ?', Number(row['n']));
      this.#run('UPDATE run SET pruned = 1 WHERE n = ?', Number(row['n']));
    }
    for (const table of ['request', 'outcome', 'run']) {
      for (const row of old)
        this.#run(`DELETE FROM ${table} WHERE ${table === 'run' ? 'n' : 'run'} = ?`, Number(row['n']));
    }
    this.#run('DELETE FROM definition WHERE digest NOT IN (SELECT definition FROM run)');
    this.#run(
      "DELETE FROM owner WHERE lease_until < ? AND id NOT IN (SELECT owner FROM run WHERE status = 'running')",
      nowMs - FORGET_OWNER_MS,
    );
  }

  /** Holding the write lock, nobody else can change anything any more: what was read since their last change still holds. */
  #forgetWhatOthersChanged(): void {
    const version = this.#version();
    if (version !== this.#memory.version) this.#memory = freshMemory(version);
  }

  #version(): number {
    return Number(this.#one('PRAGMA data_version')?.['data_version']);
  }

  #apply(write: StoreWrite): WriteOutcome {
    switch (write.kind) {
      case 'create':
        return this.#create(write);
      case 'append': {
        const n = this.#ownedRun(write);
        // Behind a line that is not there nothing may follow: whoever writes it has lost track of the run.
        if (n === undefined || this.#linesOf(n) !== write.from) return 'fenced';
        this.#memory.lines.set(n, write.from + write.count);
        this.#run('INSERT INTO entry (run, seq, body) VALUES (?, ?, ?)', n, write.from, write.body);
        return 'done';
      }
      case 'accept': {
        const n = this.#ownedRun(write);
        if (n === undefined) return 'fenced';
        this.#run('UPDATE run SET answer_by = NULL WHERE n = ?', n);
        return 'done';
      }
      case 'finish': {
        const n = this.#ownedRun(write);
        if (n === undefined) return 'fenced';
        this.#run('UPDATE run SET status = ?, ended_at = ? WHERE n = ?', write.status, write.endedAtMs, n);
        this.#run('INSERT INTO outcome (run, view) VALUES (?, ?)', n, write.view);
        this.#memory.owned.delete(ownership(write));
        this.#memory.lines.delete(n);
        return 'done';
      }
      case 'signal':
        return this.#run(
          "INSERT INTO signal (run, seq, name, payload) SELECT n, (SELECT COUNT(*) FROM signal WHERE run = n), ?, ? FROM run WHERE id = ? AND status = 'running'",
          write.name,
          write.payload,
          write.id,
        ) === 1
          ? 'done'
          : 'missing';
    }
  }

  #create(write: Extract<StoreWrite, { readonly kind: 'create' }>): WriteOutcome {
    const { id, owner, epoch } = write;
    this.#storeDefinition(write.digest, write.definition);
    const inserted = this.#statement(
      "INSERT OR IGNORE INTO run (id, workflow, service, host, definition, status, epoch, owner, started_at, deadline_at, answer_by, pruned) VALUES (?, ?, ?, ?, ?, 'running', ?, ?, ?, ?, ?, 0)",
    ).run(
      id,
      write.workflow,
      write.service,
      write.host,
      write.digest,
      epoch,
      owner,
      write.startedAtMs,
      write.deadlineAtMs,
      write.answerByMs,
    );
    if (inserted.changes !== 1) return 'exists';
    const n = Number(inserted.lastInsertRowid);
    this.#memory.owned.set(ownership({ id, owner, epoch }), n);
    this.#run('INSERT INTO request (run, body) VALUES (?, ?)', n, write.request);
    return 'done';
  }

  #storeDefinition(digest: string, body: string): void {
    if (this.#memory.definitions.has(digest)) return;
    this.#run('INSERT OR IGNORE INTO definition (digest, body) VALUES (?, ?)', digest, body);
    this.#memory.definitions.add(digest);
  }

  #ownedRun(write: Ownership): number | undefined {
    const key = ownership(write);
    const known = this.#memory.owned.get(key);
    if (known !== undefined) return known;
    const row = this.#one(
      "SELECT n FROM run WHERE id = ? AND owner = ? AND epoch = ? AND status = 'running'",
      write.id,
      write.owner,
      write.epoch,
    );
    if (row === undefined) return undefined;
    const n = Number(row['n']);
    this.#memory.owned.set(key, n);
    return n;
  }

  #linesOf(n: number): number {
    const known = this.#memory.lines.get(n);
    if (known !== undefined) return known;
    const last = this.#one(
      'SELECT seq + json_array_length(body) AS lines FROM entry WHERE run = ? ORDER BY seq DESC LIMIT 1',
      n,
    );
    return Number(last?.['lines'] ?? 0);
  }

  #loadRow(run: Row | undefined): StoreRun | undefined {
    if (run === undefined) return undefined;
    const n = Number(run['n']);
    return {
      run,
      request: String(this.#one('SELECT body FROM request WHERE run = ?', n)?.['body']),
      entries: this.#all('SELECT body FROM entry WHERE run = ? ORDER BY seq', n).map(({ body }) =>
        String(body),
      ),
      signals: this.#signals(n),
    };
  }

  #signals(n: number): readonly Row[] {
    return this.#all('SELECT name, payload FROM signal WHERE run = ? ORDER BY seq', n);
  }

  #transaction<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      this.#commits += 1;
      return result;
    } catch (error) {
      this.#memory = freshMemory(-1);
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #run(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  #all(sql: string, ...values: readonly SQLInputValue[]): readonly Row[] {
    return this.#statement(sql).all(...values);
  }

  #one(sql: string, ...values: readonly SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values);
  }
}
