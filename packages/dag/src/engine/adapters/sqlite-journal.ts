import { describeError, InvariantError, PortError } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';
import { withDigest } from '../../document/workflow-definition.ts';
import type { WorkflowDefinition } from '../../document/workflow-definition.ts';
import { hasLostItsRuns, isUnanswered, mayBeRefused } from '../journal.ts';
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
  Submission,
  WriteOutcome,
} from '../journal.ts';
import { findWorker, StoreThread } from './store-thread.ts';
import type { AsyncStore, StoreMethod } from './store-thread.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { unreadable, unreadableView } from './unreadable-run.ts';
import type { Row } from './sqlite-connection.ts';
import type { SeenRun, SqliteStore, StoreRun } from './sqlite-store.ts';
import type { StoreWrite } from './store-write.ts';

/** Options of {@link openSqliteJournal}. */
export interface SqliteJournalOptions {
  readonly file: string;
  /**
   * `worker`: the file belongs to a thread, and no fsync holds up the event loop. `main`: everything happens in the call,
   * for tests in virtual time, which cannot wait for a thread.
   *
   * @defaultValue worker for an engine, main for a journal alone
   */
  readonly thread?: 'worker' | 'main';
}

/**
 * Opens the journal in one SQLite file: WAL with `synchronous=FULL`, both read back and asserted.
 *
 * @throws PortError `LZ_JOURNAL_UNAVAILABLE`, InvariantError `LZ_INVARIANT_BROKEN` when the pragmas do not hold.
 */
export async function openSqliteJournal(options: SqliteJournalOptions): Promise<Journal> {
  const worker = options.thread === 'worker' ? findWorker() : undefined;
  const store = worker === undefined ? inThisThread(options.file) : new StoreThread(worker, options.file);
  const journal = new SqliteJournal(store, options.file);
  try {
    // The first question opens the file; its answer is of no interest.
    await journal.changedByOthers();
  } catch (error) {
    await store.close();
    throw error;
  }
  return journal;
}

function inThisThread(file: string): AsyncStore {
  let store: SqliteStore | undefined;
  return {
    call: async (method, ...args) => {
      store ??= openSqliteStore(file);
      const work = store[method] as (...all: typeof args) => ReturnType<SqliteStore[typeof method]>;
      return work.apply(store, args);
    },
    get commits() {
      return store?.commits ?? 0;
    },
    close: async () => store?.close(),
  };
}

class SqliteJournal implements Journal {
  readonly #store: AsyncStore;
  readonly #file: string;
  readonly #definitions = new Map<string, WorkflowDefinition>();
  readonly #encodedDefinitions = new WeakMap<WorkflowDefinition, string>();

  constructor(store: AsyncStore, file: string) {
    this.#store = store;
    this.#file = file;
  }

  get commits(): number {
    return this.#store.commits;
  }

  commit(writes: readonly JournalWrite[]): Promise<readonly WriteOutcome[]> {
    return this.#call(
      'commit',
      writes.map((write) => this.#encode(write)),
    );
  }

  renew(owner: Parameters<Journal['renew']>[0]): Promise<void> {
    return this.#call('renew', owner.id, owner.process, owner.leaseUntilMs);
  }

  /** Judged here, where the processes and the actions are known; taken by compare-and-set on epoch and lease. */
  async claim(options: Parameters<Journal['claim']>[0]): Promise<readonly LoadedRun[]> {
    const open = await this.#call('openRuns');
    const seen: SeenRun[] = [];
    for (const row of open) {
      if (seen.length >= options.max) break;
      if (!isAbandoned(row, options) || !(await this.#canRun(row, options))) continue;
      const leaseUntilMs = row['lease_until'] === null ? null : Number(row['lease_until']);
      const isAccepted = !mayBeRefused(submissionOf(row), options.nowMs);
      seen.push({ n: Number(row['n']), epoch: Number(row['epoch']), leaseUntilMs, isAccepted });
    }
    if (seen.length === 0) return [];
    const taken = await this.#call('take', options.owner, seen);
    return Promise.all(taken.map((run) => this.#decode(run)));
  }

  /** A run whose definition cannot be read is taken over all the same: somebody has to tell a human. Keeps S10. */
  async #canRun(row: Row, options: Parameters<Journal['claim']>[0]): Promise<boolean> {
    let definition: WorkflowDefinition;
    try {
      definition = await this.#definition(String(row['definition']));
    } catch (error) {
      if (error instanceof PortError) throw error;
      return true;
    }
    return options.canRun(definition, Number(row['deadline_at']));
  }

  /** One run that cannot be read keeps nobody from the others. */
  async #decode(found: StoreRun): Promise<LoadedRun> {
    try {
      return await this.#parse(found);
    } catch (error) {
      if (error instanceof PortError) throw error;
      return unreadable(found, describeError(error));
    }
  }

  async owned(owner: string): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#call('owned', owner);
    return new Map(rows.map((row) => [String(row['id']), Number(row['epoch'])]));
  }

  async signals(runId: string): Promise<readonly StoredSignal[]> {
    return (await this.#call('signals', runId)).map(signalOf);
  }

  async load(runId: string): Promise<LoadedRun | undefined> {
    const found = await this.#call('load', runId);
    return found === undefined ? undefined : this.#decode(found);
  }

  async view(runId: string): Promise<RunView | undefined> {
    const text = await this.#call('view', runId);
    if (text === undefined) return undefined;
    try {
      return viewOf(text, runId);
    } catch (error) {
      const found = await this.#call('load', runId);
      return found === undefined ? undefined : unreadableView(found, describeError(error));
    }
  }

  has(runId: string): Promise<boolean> {
    return this.#call('has', runId);
  }

  async list({ status, service, limit }: RunQuery): Promise<readonly RunSummary[]> {
    const most = Math.min(1_000, Math.max(1, limit ?? 100));
    return (await this.#call('list', status ?? null, service ?? null, most)).map(summaryOf);
  }

  prune(nowMs: number, retention: Retention): Promise<number> {
    return this.#call('prune', nowMs, retention.entriesMs, retention.runsMs);
  }

  probe(): Promise<void> {
    return this.#call('probe');
  }

  changedByOthers(): Promise<boolean> {
    return this.#call('changedByOthers');
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #call<M extends StoreMethod>(
    method: M,
    ...args: Parameters<SqliteStore[M]>
  ): Promise<ReturnType<SqliteStore[M]>> {
    try {
      return await this.#store.call(method, ...args);
    } catch (error) {
      throw this.#failure(method, error);
    }
  }

  #failure(method: StoreMethod, error: unknown): InvariantError | PortError {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    if (name === 'StoreInvariantError') return new InvariantError({ message });
    return new PortError({
      code: 'LZ_JOURNAL_UNAVAILABLE',
      message: `the workflow journal ${this.#file} failed at ${method}: ${message}`,
      retryable: true,
      cause: error,
    });
  }

  #encode(write: JournalWrite): StoreWrite {
    switch (write.kind) {
      case 'create':
        return this.#encodeCreate(write.run, write.owner);
      case 'append': {
        const { runId: id, owner, epoch, from, entries } = write;
        return {
          kind: 'append',
          id,
          owner,
          epoch,
          from,
          count: entries.length,
          body: JSON.stringify(entries),
        };
      }
      case 'finish': {
        const { runId: id, owner, epoch, status, endedAtMs, view } = write;
        return { kind: 'finish', id, owner, epoch, status, endedAtMs, view: JSON.stringify(view) };
      }
      case 'accept': {
        const { kind, runId: id, owner, epoch } = write;
        return { kind, id, owner, epoch };
      }
      case 'signal': {
        const { runId: id, signal } = write;
        return { kind: 'signal', id, name: signal.name, payload: JSON.stringify(signal.payload) };
      }
    }
  }

  #encodeCreate(run: StoredRun, owner: string): StoreWrite {
    const { definition, request, inputs } = run;
    let encoded = this.#encodedDefinitions.get(definition);
    if (encoded === undefined) {
      encoded = JSON.stringify(definition);
      this.#encodedDefinitions.set(definition, encoded);
    }
    return {
      kind: 'create',
      id: run.runId,
      workflow: definition.name,
      service: request.service,
      host: request.hostId ?? null,
      digest: definition.digest,
      definition: encoded,
      request: JSON.stringify({ request, inputs }),
      epoch: run.epoch,
      owner,
      startedAtMs: run.startedAtMs,
      deadlineAtMs: run.deadlineAtMs,
      answerByMs: run.answerByMs ?? null,
    };
  }

  async #parse({ run, request, entries, signals }: StoreRun): Promise<LoadedRun> {
    const runId = String(run['id']);
    const stored: StoredRun = {
      runId,
      ...requestOf(request, runId),
      definition: await this.#definition(String(run['definition'])),
      startedAtMs: Number(run['started_at']),
      deadlineAtMs: Number(run['deadline_at']),
      epoch: Number(run['epoch']),
      ...answerOf(run),
    };
    return {
      run: stored,
      entries: entries.flatMap(linesOf),
      signals: signals.map(signalOf),
    };
  }

  async #definition(digest: string): Promise<WorkflowDefinition> {
    const known = this.#definitions.get(digest);
    if (known !== undefined) return known;
    const body = await this.#call('definition', digest);
    if (body === undefined)
      throw new InvariantError({ message: `definition ${digest} is missing from ${this.#file}` });
    const definition = JSON.parse(body) as WorkflowDefinition;
    assertDigest(definition, digest);
    this.#definitions.set(digest, definition);
    return definition;
  }
}

function isAbandoned(row: Row, options: Parameters<Journal['claim']>[0]): boolean {
  const { process } = row;
  const isGone = typeof process === 'string' && options.isGone(process);
  return isLost(row, options) && !isUnanswered(submissionOf(row), options.nowMs, isGone);
}

function submissionOf(row: Row): Submission {
  return { startedAtMs: Number(row['started_at']), ...answerOf(row) };
}

function isLost(row: Row, options: Parameters<Journal['claim']>[0]): boolean {
  const { id, owner, process, lease_until: leaseUntil } = row;
  if (owner === options.owner) return options.isDriven?.(String(id)) === false;
  if (typeof process !== 'string') return true;
  return hasLostItsRuns({ id: String(owner), process, leaseUntilMs: Number(leaseUntil) }, options);
}

function answerOf({ answer_by: answerBy }: Row): Pick<StoredRun, 'answerByMs'> {
  return typeof answerBy === 'number' ? { answerByMs: answerBy } : {};
}

/** S2: only what was decided about is driven, whatever happened to the file since. */
function assertDigest(definition: WorkflowDefinition, digest: string): void {
  const { digest: own, ...rest } = definition;
  if (own === digest && withDigest(rest).digest === digest) return;
  throw new InvariantError({ message: `definition ${digest} in the journal is not the one of its digest` });
}

function requestOf(text: string, runId: string): Pick<StoredRun, 'request' | 'inputs'> {
  const stored = JSON.parse(text) as (Partial<StoredRun> & Pick<StoredRun, 'inputs'>) | null;
  if (stored?.request?.runId === runId) return { request: stored.request, inputs: stored.inputs };
  throw new InvariantError({ message: `the request of run ${runId} in the journal is not its own` });
}

function linesOf(text: string): readonly JournalEntry[] {
  const lines: unknown = JSON.parse(text);
  if (Array.isArray(lines)) return lines as readonly JournalEntry[];
  throw new InvariantError({ message: 'a line of the journal is not one' });
}

function viewOf(text: string, runId: string): RunView {
  const view = JSON.parse(text) as RunView | null;
  if (view?.run_id === runId) return view;
  throw new InvariantError({ message: `the outcome of run ${runId} in the journal is not its own` });
}

function signalOf(row: Row): StoredSignal {
  return {
    name: String(row['name']),
    payload: JSON.parse(String(row['payload'])) as StoredSignal['payload'],
  };
}

function summaryOf(row: Row): RunSummary {
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
