import { InvariantError, PortError } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { WorkflowDefinition } from '../../document/workflow-definition.ts';
import type {
  Journal,
  JournalEntry,
  JournalWrite,
  LoadedRun,
  Retention,
  RunQuery,
  RunSummary,
  StoredRun,
  StoredSignal,
  WriteOutcome,
} from '../journal.ts';
import { SCHEMA, SCHEMA_VERSION } from './sqlite-schema.ts';

type Row = Record<string, unknown>;

/** Longest wait for another process that writes, milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

/** Rows that one call of `prune` touches at most, so that it never holds the disk for long. */
const PRUNE_ROWS = 200;

/**
 * Opens the journal in one SQLite file: WAL with `synchronous=FULL`, both read back and asserted, because a build may
 * have another default that makes commits look durable when they are not.
 *
 * @throws PortError `LZ_JOURNAL_UNAVAILABLE`, InvariantError `LZ_INVARIANT_BROKEN` when the pragmas do not hold.
 */
export async function openSqliteJournal(options: { readonly file: string }): Promise<Journal> {
  const { DatabaseSync } = await import('node:sqlite');
  return unavailable(`open ${options.file}`, () => {
    const database = new DatabaseSync(options.file, { timeout: BUSY_TIMEOUT_MS });
    try {
      prepare(database);
    } catch (error) {
      database.close();
      throw error;
    }
    return new SqliteJournal(database, options.file);
  });
}

function prepare(database: DatabaseSync): void {
  database.exec('PRAGMA auto_vacuum = INCREMENTAL');
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA wal_autocheckpoint = 2000');
  const pragma = (name: string): unknown => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  if (pragma('journal_mode') !== 'wal')
    throw new InvariantError({ message: 'the journal is not in WAL mode; is it on a local disk?' });
  if (pragma('synchronous') !== 2)
    throw new InvariantError({ message: 'the journal is not synchronous=FULL' });
  const found = Number(pragma('user_version'));
  if (found > SCHEMA_VERSION)
    throw new InvariantError({
      message: `the journal has format ${found}, this version knows ${SCHEMA_VERSION}`,
    });
  if (found === SCHEMA_VERSION) return;
  database.exec(`BEGIN IMMEDIATE;${SCHEMA};PRAGMA user_version = ${SCHEMA_VERSION};COMMIT`);
}

function unavailable<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof InvariantError || error instanceof PortError) throw error;
    throw new PortError({
      code: 'LZ_JOURNAL_UNAVAILABLE',
      message: `the workflow journal could not ${what}: ${error instanceof Error ? error.message : String(error)}`,
      retryable: true,
      cause: error,
    });
  }
}

/** What this connection read, and what holds as long as no other connection has changed the file. */
interface Memory {
  readonly version: number;
  /** Row of a running run, by run, owner and epoch. */
  readonly owned: Map<string, number>;
  readonly definitions: Set<string>;
}

const freshMemory = (version: number): Memory => ({ version, owned: new Map(), definitions: new Set() });

const ownership = ({
  runId,
  owner,
  epoch,
}: {
  readonly runId: string;
  readonly owner: string;
  readonly epoch: number;
}): string => `${epoch} ${owner} ${runId}`;

class SqliteJournal implements Journal {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #statements = new Map<string, StatementSync>();
  readonly #definitions = new Map<string, WorkflowDefinition>();
  #dataVersion = 0;
  #memory = freshMemory(-1);
  commits = 0;

  constructor(database: DatabaseSync, file: string) {
    this.#database = database;
    this.#file = file;
  }

  async commit(writes: readonly JournalWrite[]): Promise<readonly WriteOutcome[]> {
    return this.#transaction('commit', () => {
      this.#forgetWhatOthersChanged();
      return writes.map((write) => this.#apply(write));
    });
  }

  /** Holding the write lock, nobody else can change anything any more: what was read since their last change still holds. */
  #forgetWhatOthersChanged(): void {
    const version = this.#version();
    if (version !== this.#memory.version) this.#memory = freshMemory(version);
  }

  #version(): number {
    return Number(this.#one('PRAGMA data_version')?.['data_version']);
  }

  async renew(owner: {
    readonly id: string;
    readonly process: string;
    readonly leaseUntilMs: number;
  }): Promise<void> {
    this.#transaction('renew a lease', () => {
      this.#run(
        'INSERT INTO owner (id, process, lease_until) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until',
        owner.id,
        owner.process,
        owner.leaseUntilMs,
      );
    });
  }

  async claim(options: Parameters<Journal['claim']>[0]): Promise<readonly LoadedRun[]> {
    const open = this.#all(
      "SELECT r.n, r.epoch, r.definition, r.deadline_at, o.id AS owner, o.process, o.lease_until FROM run r LEFT JOIN owner o ON o.id = r.owner WHERE r.status = 'running' AND r.owner <> ?",
      options.owner,
    );
    const abandoned = open.filter(
      (row) =>
        row['owner'] === null ||
        Number(row['lease_until']) < options.nowMs ||
        options.isGone(String(row['process'])),
    );
    const runnable = abandoned
      .filter((row) =>
        options.canRun(this.#definition(String(row['definition'])), Number(row['deadline_at'])),
      )
      .slice(0, options.max);
    if (runnable.length === 0) return [];
    this.#memory = freshMemory(-1);
    const taken = this.#transaction('claim runs', () =>
      runnable.filter(
        (row) =>
          this.#run(
            "UPDATE run SET owner = ?, epoch = epoch + 1 WHERE n = ? AND epoch = ? AND status = 'running'",
            options.owner,
            Number(row['n']),
            Number(row['epoch']),
          ) === 1,
      ),
    );
    return taken
      .map((row) => this.#loadRow(this.#one('SELECT * FROM run WHERE n = ?', Number(row['n']))))
      .filter((run) => run !== undefined);
  }

  async owned(owner: string): Promise<ReadonlyMap<string, number>> {
    const rows = this.#all("SELECT id, epoch FROM run WHERE status = 'running' AND owner = ?", owner);
    return new Map(rows.map((row) => [String(row['id']), Number(row['epoch'])]));
  }

  async signals(runId: string): Promise<readonly StoredSignal[]> {
    const row = this.#one('SELECT n FROM run WHERE id = ?', runId);
    return row === undefined ? [] : this.#signals(Number(row['n']));
  }

  async load(runId: string): Promise<LoadedRun | undefined> {
    return this.#loadRow(this.#one('SELECT * FROM run WHERE id = ?', runId));
  }

  async view(runId: string): Promise<RunView | undefined> {
    const text = this.#one('SELECT o.view FROM outcome o JOIN run r ON r.n = o.run WHERE r.id = ?', runId)?.[
      'view'
    ];
    return typeof text === 'string' ? (JSON.parse(text) as RunView) : undefined;
  }

  async has(runId: string): Promise<boolean> {
    return this.#one('SELECT 1 AS found FROM run WHERE id = ?', runId) !== undefined;
  }

  async list(query: RunQuery): Promise<readonly RunSummary[]> {
    const rows = this.#all(
      'SELECT id, workflow, service, host, status, started_at, ended_at FROM run WHERE (? IS NULL OR status = ?) AND (? IS NULL OR service = ?) ORDER BY n DESC LIMIT ?',
      query.status ?? null,
      query.status ?? null,
      query.service ?? null,
      query.service ?? null,
      Math.min(1_000, Math.max(1, query.limit ?? 100)),
    );
    return rows.map(summary);
  }

  async prune(nowMs: number, retention: Retention): Promise<number> {
    const stale = this.#all(
      "SELECT n FROM run WHERE status <> 'running' AND pruned = 0 AND ended_at < ? LIMIT ?",
      nowMs - retention.entriesMs,
      PRUNE_ROWS,
    );
    const old = this.#all(
      "SELECT n FROM run WHERE status <> 'running' AND pruned IN (0, 1) AND ended_at < ? LIMIT ?",
      nowMs - retention.runsMs,
      PRUNE_ROWS,
    );
    if (stale.length + old.length === 0) return 0;
    this.#memory = freshMemory(-1);
    this.#transaction('compact', () => {
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
        nowMs - 86_400_000,
      );
    });
    unavailable('compact', () => this.#database.exec('PRAGMA incremental_vacuum(256)'));
    return stale.length + old.length;
  }

  async changedByOthers(): Promise<boolean> {
    const version = this.#version();
    const hasChanged = version !== this.#dataVersion;
    this.#dataVersion = version;
    return hasChanged;
  }

  async close(): Promise<void> {
    this.#statements.clear();
    this.#database.close();
  }

  #apply(write: JournalWrite): WriteOutcome {
    switch (write.kind) {
      case 'create':
        return this.#create(write.run, write.owner);
      case 'append':
        return this.#append(write);
      case 'finish':
        return this.#finish(write);
      case 'signal':
        return this.#run(
          "INSERT INTO signal (run, seq, name, payload) SELECT n, (SELECT COUNT(*) FROM signal WHERE run = n), ?, ? FROM run WHERE id = ? AND status = 'running'",
          write.signal.name,
          JSON.stringify(write.signal.payload),
          write.runId,
        ) === 1
          ? 'done'
          : 'missing';
    }
  }

  #create(run: StoredRun, owner: string): WriteOutcome {
    const { request, definition } = run;
    this.#storeDefinition(definition);
    const inserted = this.#statement(
      "INSERT OR IGNORE INTO run (id, workflow, service, host, definition, status, epoch, owner, started_at, deadline_at, pruned) VALUES (?, ?, ?, ?, ?, 'running', ?, ?, ?, ?, 0)",
    ).run(
      run.runId,
      definition.name,
      request.service,
      request.hostId ?? null,
      definition.digest,
      run.epoch,
      owner,
      run.startedAtMs,
      run.deadlineAtMs,
    );
    if (inserted.changes !== 1) return 'exists';
    this.#memory.owned.set(
      ownership({ runId: run.runId, owner, epoch: run.epoch }),
      Number(inserted.lastInsertRowid),
    );
    this.#run(
      'INSERT INTO request (run, body) VALUES (?, ?)',
      inserted.lastInsertRowid,
      JSON.stringify({ request, inputs: run.inputs }),
    );
    return 'done';
  }

  #storeDefinition(definition: WorkflowDefinition): void {
    const { digest } = definition;
    if (this.#memory.definitions.has(digest)) return;
    if (this.#one('SELECT 1 AS found FROM definition WHERE digest = ?', digest) === undefined) {
      this.#run('INSERT INTO definition (digest, body) VALUES (?, ?)', digest, JSON.stringify(definition));
    }
    this.#memory.definitions.add(digest);
  }

  /** S4: the epoch is compared in the transaction that writes the lines, so an owner that was replaced writes nothing. */
  #append(write: Extract<JournalWrite, { kind: 'append' }>): WriteOutcome {
    const n = this.#ownedRun(write);
    if (n === undefined) return 'fenced';
    this.#run(
      'INSERT INTO entry (run, seq, body) VALUES (?, ?, ?)',
      n,
      write.from,
      JSON.stringify(write.entries),
    );
    return 'done';
  }

  #finish(write: Extract<JournalWrite, { kind: 'finish' }>): WriteOutcome {
    const n = this.#ownedRun(write);
    if (n === undefined) return 'fenced';
    this.#run('UPDATE run SET status = ?, ended_at = ? WHERE n = ?', write.status, write.endedAtMs, n);
    this.#run('INSERT INTO outcome (run, view) VALUES (?, ?)', n, JSON.stringify(write.view));
    this.#memory.owned.delete(ownership(write));
    return 'done';
  }

  #ownedRun(write: {
    readonly runId: string;
    readonly owner: string;
    readonly epoch: number;
  }): number | undefined {
    const key = ownership(write);
    const known = this.#memory.owned.get(key);
    if (known !== undefined) return known;
    const row = this.#one(
      "SELECT n FROM run WHERE id = ? AND owner = ? AND epoch = ? AND status = 'running'",
      write.runId,
      write.owner,
      write.epoch,
    );
    if (row === undefined) return undefined;
    const n = Number(row['n']);
    this.#memory.owned.set(key, n);
    return n;
  }

  #loadRow(row: Row | undefined): LoadedRun | undefined {
    if (row === undefined) return undefined;
    const n = Number(row['n']);
    const { request, inputs } = JSON.parse(
      String(this.#one('SELECT body FROM request WHERE run = ?', n)?.['body']),
    ) as Pick<StoredRun, 'request' | 'inputs'>;
    const run: StoredRun = {
      runId: String(row['id']),
      request,
      definition: this.#definition(String(row['definition'])),
      inputs,
      startedAtMs: Number(row['started_at']),
      deadlineAtMs: Number(row['deadline_at']),
      epoch: Number(row['epoch']),
    };
    const entries = this.#all('SELECT body FROM entry WHERE run = ? ORDER BY seq', n).flatMap(
      (entry) => JSON.parse(String(entry['body'])) as JournalEntry[],
    );
    return { run, entries, signals: this.#signals(n) };
  }

  #signals(n: number): readonly StoredSignal[] {
    return this.#all('SELECT name, payload FROM signal WHERE run = ? ORDER BY seq', n).map((row) => ({
      name: String(row['name']),
      payload: JSON.parse(String(row['payload'])) as StoredSignal['payload'],
    }));
  }

  #definition(digest: string): WorkflowDefinition {
    const known = this.#definitions.get(digest);
    if (known !== undefined) return known;
    const body = this.#one('SELECT body FROM definition WHERE digest = ?', digest)?.['body'];
    if (typeof body !== 'string')
      throw new InvariantError({ message: `definition ${digest} is missing from ${this.#file}` });
    const definition = JSON.parse(body) as WorkflowDefinition;
    this.#definitions.set(digest, definition);
    return definition;
  }

  #transaction<T>(what: string, work: () => T): T {
    return unavailable(what, () => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        this.#database.exec('COMMIT');
        this.commits += 1;
        return result;
      } catch (error) {
        this.#memory = freshMemory(-1);
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    });
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
    return unavailable('read', () => this.#statement(sql).all(...values));
  }

  #one(sql: string, ...values: readonly SQLInputValue[]): Row | undefined {
    return unavailable('read', () => this.#statement(sql).get(...values));
  }
}

function summary(row: Row): RunSummary {
  return {
    runId: String(row['id']),
    workflow: String(row['workflow']),
    service: String(row['service']),
    status: String(row['status']) as RunSummary['status'],
    startedAtMs: Number(row['started_at']),
    ...(typeof row['host'] === 'string' ? { hostId: row['host'] } : {}),
    ...(row['ended_at'] === null ? {} : { endedAtMs: Number(row['ended_at']) }),
  };
}
