import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openSqliteJournal } from '../../src/index.ts';
import type { Journal } from '../../src/index.ts';
import { readLedger } from './storm-ledger.ts';
import type { StormLine } from './storm-ledger.ts';
import { willFail } from './storm-workflow.ts';

const CHILD = fileURLToPath(new URL('./storm-child.ts', import.meta.url));

/** Something that must never happen: which check saw it, on which run, and what journal and ledger say about that run. */
export interface StormViolation {
  readonly check:
    | 'ended by itself'
    | 'effect without a durable intent'
    | 'completed step repeated'
    | 'run lost or ended wrongly'
    | 'run never ended'
    | 'escalated exactly once'
    | 'stale epoch accepted'
    | 'epoch with two owners';
  readonly run: string;
  readonly detail: string;
  story?: string;
}

/** What a storm was and what it broke. */
export interface StormReport {
  kills: number;
  /** Kills that met at least one run in flight. */
  met: number;
  /** Runs that were in flight when their process was killed, summed over the kills. */
  interrupted: number;
  runs: number;
  violations: StormViolation[];
}

/** How one process of a storm is started. */
export interface StormStart {
  readonly generation: number;
  readonly inFlight: number;
  readonly killAt?: number;
  readonly submit?: number;
  readonly thread?: 'worker' | 'main';
}

/** A process of a storm whose engine is open, or that has ended already. */
export interface StormProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  /** False once it has ended, however it ended. */
  isAlive(): boolean;
  errors(): string;
}

/** Starts a process on a folder; resolves once its engine is open. */
export async function startStorm(folder: string, start: StormStart): Promise<StormProcess> {
  const { generation, inFlight, killAt = 0, submit = 0, thread = 'worker' } = start;
  const args = [CHILD, folder, ...[generation, inFlight, killAt, submit].map(String), thread];
  const child = spawn(process.execPath, ['--conditions=@lazarus/source', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(folder, '..', 'compiled') },
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const exited = once(child, 'close').then(() => undefined);
  await Promise.race([once(child.stdout, 'data'), exited]);
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null;
  return { child, exited, isAlive, errors: () => errors };
}

/** Stories that are told in full; a broken engine breaks a thousand runs at once. */
const MAX_STORIES = 5;

/** Watches one folder over the lives of many processes and collects what must never happen. */
export class StormWatch {
  readonly report: StormReport = { kills: 0, met: 0, interrupted: 0, runs: 0, violations: [] };
  readonly #folder: string;
  /** Completed steps and settled attempts of runs that were interrupted, with the generation that died. */
  readonly #done = new Map<string, number>();
  #seen = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Remembers a violation; its story is added when the journal is looked at next. */
  accuse(check: StormViolation['check'], run: string, detail: string): void {
    this.report.violations.push({ check, run, detail });
  }

  /** Looks at the disk as the process left it that was just killed. */
  async afterKill(generation: number): Promise<void> {
    const lines = this.#newLines();
    await this.#withJournal(async (journal) => {
      const open = await journal.list({ status: 'running', limit: 1_000 });
      const intents = new Set<string>();
      for (const { runId } of open) await this.#remember(journal, runId, generation, intents);
      this.report.kills += 1;
      this.report.met += open.length > 0 ? 1 : 0;
      this.report.interrupted += open.length;
      const isOpen = new Set(open.map(({ runId }) => runId));
      for (const { kind, run, step = '' } of lines) {
        if (kind === 'effect' && isOpen.has(run) && !intents.has(`${run}/${step}`))
          this.accuse('effect without a durable intent', run, `step ${step}`);
      }
    });
  }

  /** After the last process has driven everything to its end. */
  async finish(): Promise<StormReport> {
    this.#newLines();
    const lines = readLedger(this.#folder);
    const created = new Set(lines.flatMap(({ kind, run }) => (kind === 'created' ? [run] : [])));
    await this.#withJournal(async (journal) => {
      for (const run of created) {
        const view = await journal.view(run);
        const wanted = willFail(run) ? 'failed escalated' : 'succeeded left_alone';
        const found = `${view?.status ?? 'lost'} ${view?.page ?? ''}`;
        if (found !== wanted) this.accuse('run lost or ended wrongly', run, `${found}, expected ${wanted}`);
      }
      this.report.runs = created.size;
      for (const { runId } of await journal.list({ status: 'running', limit: 1_000 }))
        this.accuse('run never ended', runId, 'it is still running');
      this.#checkEscalations(lines, created);
      this.#checkEpochs(lines);
    });
    return this.report;
  }

  async #withJournal(look: (journal: Journal) => Promise<void>): Promise<void> {
    const journal = await openSqliteJournal({ file: join(this.#folder, 'runs.db') });
    try {
      await look(journal);
      await this.#tellStories(journal);
    } finally {
      await journal.close();
    }
  }

  async #remember(journal: Journal, run: string, generation: number, intents: Set<string>): Promise<void> {
    const loaded = await journal.load(run);
    if (loaded?.unreadable !== undefined) this.accuse('run lost or ended wrongly', run, loaded.unreadable);
    for (const entry of loaded?.entries ?? []) {
      if (entry.kind === 'intent') intents.add(`${run}/${entry.key.split('#')[0] ?? ''}`);
      if (entry.kind !== 'done') continue;
      this.#done.set(`${run}/${entry.key}`, generation);
      if (entry.result.ok && 'output' in (entry.result.value as object))
        this.#done.set(`${run}/${entry.key.split('#')[0] ?? ''}`, generation);
    }
  }

  #newLines(): readonly StormLine[] {
    const lines = readLedger(this.#folder);
    const fresh = lines.slice(this.#seen);
    this.#seen = lines.length;
    for (const { kind, run, step = '', attempt = 0, generation } of fresh) {
      if (kind !== 'body') continue;
      for (const key of [`${run}/${step}`, `${run}/${step}#${attempt}`]) {
        const died = this.#done.get(key) ?? Infinity;
        if (died < generation)
          this.accuse(
            'completed step repeated',
            run,
            `${key}: durable at the kill of generation ${died}, ran again in generation ${generation}`,
          );
      }
    }
    return fresh;
  }

  /** Exactly one change to the page of a run that fails, none to the others': by the workflow or by the engine itself. */
  #checkEscalations(lines: readonly StormLine[], created: ReadonlySet<string>): void {
    const changes = new Map<string, string[]>();
    for (const { kind, run, step, call = '' } of lines) {
      const isByWorkflow = kind === 'effect' && step === 'on_error.escalate';
      if (!isByWorkflow && kind !== 'paged') continue;
      const known = changes.get(run) ?? [];
      changes.set(run, [...known, isByWorkflow ? 'the workflow' : call]);
    }
    for (const run of new Set([...created, ...changes.keys()])) {
      const made = changes.get(run) ?? [];
      if (made.length !== (willFail(run) ? 1 : 0))
        this.accuse('escalated exactly once', run, `${made.length} times: ${made.join('; ')}`);
    }
  }

  /** No line of an older epoch behind the first line of a newer one; one owner for each epoch. */
  #checkEpochs(lines: readonly StormLine[]): void {
    const owners = new Map<string, string>();
    const firstOf = new Map<string, number>();
    const accepted = lines.filter(({ kind }) => kind === 'accepted');
    for (const { run, epoch = 0, owner = '', from = 0 } of accepted) {
      const key = `${run} ${epoch}`;
      const first = owners.get(key) ?? owner;
      if (first !== owner) this.accuse('epoch with two owners', run, `${key}: ${first} and ${owner}`);
      owners.set(key, owner);
      firstOf.set(key, Math.min(firstOf.get(key) ?? Infinity, from));
    }
    for (const { run, epoch = 0, from = 0 } of accepted) {
      const heir = firstOf.get(`${run} ${epoch + 1}`);
      if (heir !== undefined && from >= heir)
        this.accuse('stale epoch accepted', run, `line ${from} of epoch ${epoch} after epoch ${epoch + 1}`);
    }
  }

  async #tellStories(journal: Journal): Promise<void> {
    const untold = this.report.violations.slice(0, MAX_STORIES).filter(({ story }) => story === undefined);
    if (untold.length === 0) return;
    const lines = readLedger(this.#folder);
    for (const violation of untold) {
      const { run } = violation;
      const stored = await journal.load(run).catch(String);
      const view = await journal.view(run).catch(String);
      const told = lines.filter((line) => line.run === run).map((line) => JSON.stringify(line));
      violation.story = `journal: ${JSON.stringify(stored)}\nview: ${JSON.stringify(view)}\nledger:\n${told.join('\n')}`;
    }
  }
}
