import type { RunOutcome, RunView } from '@lazarus/core/ports';
import { hasLostItsRuns, isUnanswered, mayBeRefused } from './journal.ts';
import type {
  Journal,
  JournalEntry,
  JournalWrite,
  LoadedRun,
  RunQuery,
  RunSummary,
  StoredRun,
  StoredSignal,
  WriteOutcome,
} from './journal.ts';

interface MemoryRun {
  run: StoredRun;
  owner: string;
  status: 'running' | RunOutcome;
  readonly entries: JournalEntry[];
  readonly signals: StoredSignal[];
  endedAtMs?: number;
  view?: RunView;
}

/** A journal in memory, with the same answers as the one on disk: for tests, the lab and simulations. It survives nothing. */
export function createMemoryJournal(): Journal {
  return new MemoryJournal();
}

class MemoryJournal implements Journal {
  readonly #runs = new Map<string, MemoryRun>();
  readonly #owners = new Map<string, { readonly process: string; readonly leaseUntilMs: number }>();
  commits = 0;

  async commit(writes: readonly JournalWrite[]): Promise<readonly WriteOutcome[]> {
    this.commits += 1;
    return writes.map((write) => this.#apply(write));
  }

  async renew(owner: Parameters<Journal['renew']>[0]): Promise<void> {
    this.#owners.set(owner.id, owner);
  }

  async claim(options: Parameters<Journal['claim']>[0]): Promise<readonly LoadedRun[]> {
    const claimed: LoadedRun[] = [];
    for (const stored of this.#runs.values()) {
      if (claimed.length >= options.max) break;
      const { definition, deadlineAtMs } = stored.run;
      if (stored.status !== 'running' || !options.canRun(definition, deadlineAtMs)) continue;
      if (!this.#isAbandoned(stored, options)) continue;
      stored.owner = options.owner;
      stored.run = { ...stored.run, epoch: stored.run.epoch + 1 };
      if (!mayBeRefused(stored.run, options.nowMs)) accept(stored);
      claimed.push(loaded(stored));
    }
    return claimed;
  }

  async owned(owner: string): Promise<ReadonlyMap<string, number>> {
    const own = [...this.#runs].filter(([, stored]) => stored.status === 'running' && stored.owner === owner);
    return new Map(own.map(([id, stored]) => [id, stored.run.epoch]));
  }

  async signals(runId: string): Promise<readonly StoredSignal[]> {
    return [...(this.#runs.get(runId)?.signals ?? [])];
  }

  async load(runId: string): Promise<LoadedRun | undefined> {
    const stored = this.#runs.get(runId);
    return stored === undefined ? undefined : loaded(stored);
  }

  async view(runId: string): Promise<RunView | undefined> {
    return this.#runs.get(runId)?.view;
  }

  async has(runId: string): Promise<boolean> {
    return this.#runs.has(runId);
  }

  async list(query: RunQuery): Promise<readonly RunSummary[]> {
    return [...this.#runs.values()]
      .filter(
        ({ status, run }) =>
          (query.status ?? status) === status &&
          (query.service ?? run.request.service) === run.request.service,
      )
      .reverse()
      .slice(0, query.limit ?? 100)
      .map(({ run, status, endedAtMs }) => ({
        runId: run.runId,
        workflow: run.definition.name,
        service: run.request.service,
        status,
        startedAtMs: run.startedAtMs,
        ...(run.request.hostId === undefined ? {} : { hostId: run.request.hostId }),
        ...(endedAtMs === undefined ? {} : { endedAtMs }),
      }));
  }

  async prune(nowMs: number, retention: Parameters<Journal['prune']>[1]): Promise<number> {
    const old = [...this.#runs].filter(
      ([, { endedAtMs }]) => endedAtMs !== undefined && endedAtMs < nowMs - retention.runsMs,
    );
    for (const [runId] of old) this.#runs.delete(runId);
    return old.length;
  }

  async probe(): Promise<void> {}

  async changedByOthers(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {}

  #isAbandoned({ run, owner: id }: MemoryRun, options: Parameters<Journal['claim']>[0]): boolean {
    const owner = this.#owners.get(id);
    const isGone = owner !== undefined && options.isGone(owner.process);
    const isLost =
      id === options.owner
        ? options.isDriven?.(run.runId) === false
        : owner === undefined || hasLostItsRuns({ ...owner, id }, options);
    return isLost && !isUnanswered(run, options.nowMs, isGone);
  }

  #apply(write: JournalWrite): WriteOutcome {
    if (write.kind === 'create') {
      if (this.#runs.has(write.run.runId)) return 'exists';
      this.#runs.set(write.run.runId, {
        run: write.run,
        owner: write.owner,
        status: 'running',
        entries: [],
        signals: [],
      });
      return 'done';
    }
    const stored = this.#runs.get(write.runId);
    if (stored?.status !== 'running') return write.kind === 'signal' ? 'missing' : 'fenced';
    if (write.kind === 'signal') {
      stored.signals.push(write.signal);
      return 'done';
    }
    if (stored.owner !== write.owner || stored.run.epoch !== write.epoch) return 'fenced';
    if (write.kind === 'append' && write.from !== stored.entries.length) return 'fenced';
    if (write.kind === 'append') stored.entries.push(...write.entries);
    else if (write.kind === 'accept') accept(stored);
    else Object.assign(stored, { status: write.status, endedAtMs: write.endedAtMs, view: write.view });
    return 'done';
  }
}

function accept(stored: MemoryRun): void {
  const { answerByMs: _, ...accepted } = stored.run;
  stored.run = accepted;
}

function loaded(stored: MemoryRun): LoadedRun {
  return { run: stored.run, entries: [...stored.entries], signals: [...stored.signals] };
}
