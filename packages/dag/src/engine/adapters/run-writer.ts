/**
 * Applies the writes of runs inside a transaction.
 *
 * S4: owner and epoch are compared in the transaction that writes, so an owner that was replaced writes nothing.
 */
import type { WriteOutcome } from '../journal.ts';
import type { SqliteConnection } from './sqlite-connection.ts';
import type { StoreWrite } from './store-write.ts';

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

/** Knows the rows of the runs that it wrote, as long as nobody else changes the file. */
export class RunWriter {
  readonly #connection: SqliteConnection;
  #memory = freshMemory(-1);

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  /** To be called in a transaction. */
  apply(writes: readonly StoreWrite[]): readonly WriteOutcome[] {
    this.#forgetWhatOthersChanged();
    return writes.map((write) => this.#apply(write));
  }

  /** Something else changed the tables, or a transaction was rolled back. */
  forget(): void {
    this.#memory = freshMemory(-1);
  }

  /** Holding the write lock, nobody else can change anything any more: what was read since their last change still holds. */
  #forgetWhatOthersChanged(): void {
    const version = this.#connection.version();
    if (version !== this.#memory.version) this.#memory = freshMemory(version);
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
        this.#connection.run(
          'INSERT INTO entry (run, seq, body) VALUES (?, ?, ?)',
          n,
          write.from,
          write.body,
        );
        return 'done';
      }
      case 'accept': {
        const n = this.#ownedRun(write);
        if (n === undefined) return 'fenced';
        this.#connection.run('UPDATE run SET answer_by = NULL WHERE n = ?', n);
        return 'done';
      }
      case 'finish': {
        const n = this.#ownedRun(write);
        if (n === undefined) return 'fenced';
        this.#connection.run(
          'UPDATE run SET status = ?, ended_at = ? WHERE n = ?',
          write.status,
          write.endedAtMs,
          n,
        );
        this.#connection.run('INSERT INTO outcome (run, view) VALUES (?, ?)', n, write.view);
        this.#memory.owned.delete(ownership(write));
        this.#memory.lines.delete(n);
        return 'done';
      }
      case 'signal':
        return this.#connection.run(
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
    const n = this.#connection.add(
      "INSERT OR IGNORE INTO run (id, workflow, service, host, definition, status, epoch, owner, started_at, deadline_at, answer_by, pruned) VALUES (?, ?, ?, ?, ?, 'running', ?, ?, ?, ?, ?, 0)",
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
    if (n === undefined) return 'exists';
    this.#memory.owned.set(ownership({ id, owner, epoch }), n);
    this.#connection.run('INSERT INTO request (run, body) VALUES (?, ?)', n, write.request);
    return 'done';
  }

  #storeDefinition(digest: string, body: string): void {
    if (this.#memory.definitions.has(digest)) return;
    this.#connection.run('INSERT OR IGNORE INTO definition (digest, body) VALUES (?, ?)', digest, body);
    this.#memory.definitions.add(digest);
  }

  #ownedRun(write: Ownership): number | undefined {
    const key = ownership(write);
    const known = this.#memory.owned.get(key);
    if (known !== undefined) return known;
    const row = this.#connection.one(
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
    const last = this.#connection.one(
      'SELECT seq + json_array_length(body) AS lines FROM entry WHERE run = ? ORDER BY seq DESC LIMIT 1',
      n,
    );
    return Number(last?.['lines'] ?? 0);
  }
}
