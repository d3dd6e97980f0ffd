import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openSqliteJournal } from '../../src/index.ts';
import type { RunSummary } from '../../src/index.ts';
import { willFail } from './storm-workflow.ts';

const CHILD = fileURLToPath(new URL('./storm-child.ts', import.meta.url));

/** One line of what the processes did. */
export interface StormLine {
  readonly generation: number;
  readonly kind: 'body' | 'effect' | 'created' | 'finished' | 'accepted';
  readonly run: string;
  readonly step?: string;
  readonly attempt?: number;
  readonly key?: string;
  readonly epoch?: number;
  readonly owner?: string;
  readonly from?: number;
}

/** What a storm was and what it broke. */
export interface StormReport {
  kills: number;
  /** Runs that were in flight when their process was killed, summed over the kills. */
  interrupted: number;
  runs: number;
  violations: string[];
}

/** Starts a process on a folder; resolves once its engine is open. */
export async function startStorm(
  folder: string,
  options: {
    readonly generation: number;
    readonly inFlight: number;
    readonly killAt?: number;
    readonly submit?: number;
  },
): Promise<{ readonly child: ChildProcess; readonly exited: Promise<void>; errors(): string }> {
  const { generation, inFlight, killAt = 0, submit = 0 } = options;
  const args = [CHILD, folder, ...[generation, inFlight, killAt, submit].map(String)];
  const child = spawn(process.execPath, ['--conditions=@lazarus/source', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(folder, '..', 'compiled') },
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const exited = once(child, 'close').then(() => undefined);
  await Promise.race([once(child.stdout, 'data'), exited]);
  return { child, exited, errors: () => errors };
}

/** Every complete line of the ledger. */
export function readLedger(folder: string): readonly StormLine[] {
  const file = join(folder, 'ledger.log');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as StormLine);
}

/** Watches one folder over the lives of many processes and collects what must never happen. */
export class StormWatch {
  readonly report: StormReport = { kills: 0, interrupted: 0, runs: 0, violations: [] };
  readonly #folder: string;
  /** Completed steps and settled attempts of runs that were interrupted, with the generation that died. */
  readonly #done = new Map<string, number>();
  #seen = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Looks at the disk as the process left it that was just killed. */
  async afterKill(generation: number): Promise<void> {
    const lines = this.#newLines();
    const journal = await openSqliteJournal({ file: join(this.#folder, 'runs.db') });
    try {
      const intents = new Set<string>();
      const open = await journal.list({ status: 'running', limit: 1_000 });
      for (const { runId } of open) {
        const entries = (await journal.load(runId))?.entries ?? [];
        for (const entry of entries) {
          if (entry.kind === 'intent') intents.add(`${runId}/${entry.key.split('#')[0] ?? ''}`);
          if (entry.kind !== 'done') continue;
          this.#done.set(`${runId}/${entry.key}`, generation);
          if (entry.result.ok && 'output' in (entry.result.value as object))
            this.#done.set(`${runId}/${entry.key.split('#')[0] ?? ''}`, generation);
        }
      }
      this.report.kills += 1;
      this.report.interrupted += open.length;
      const isOpen = new Set(open.map(({ runId }) => runId));
      for (const { kind, run, step = '' } of lines) {
        if (kind === 'effect' && isOpen.has(run) && !intents.has(`${run}/${step}`))
          this.report.violations.push(`effect of ${run}/${step} without a durable intent`);
      }
    } finally {
      await journal.close();
    }
  }

  #newLines(): readonly StormLine[] {
    const lines = readLedger(this.#folder);
    const fresh = lines.slice(this.#seen);
    this.#seen = lines.length;
    for (const { kind, run, step = '', attempt = 0, generation } of fresh) {
      if (kind !== 'body') continue;
      for (const key of [`${run}/${step}`, `${run}/${step}#${attempt}`]) {
        if ((this.#done.get(key) ?? Infinity) < generation)
          this.report.violations.push(`${key} was completed and ran again in generation ${generation}`);
      }
    }
    return fresh;
  }

  /** After the last process has driven everything to its end. */
  async finish(): Promise<StormReport> {
    this.#newLines();
    const lines = readLedger(this.#folder);
    const journal = await openSqliteJournal({ file: join(this.#folder, 'runs.db') });
    try {
      const created = new Set(lines.filter(({ kind }) => kind === 'created').map(({ run }) => run));
      for (const run of created) {
        const view = await journal.view(run);
        const wanted = willFail(run) ? 'failed escalated' : 'succeeded left_alone';
        const found = `${view?.status ?? 'lost'} ${view?.page ?? ''}`;
        if (found !== wanted) this.report.violations.push(`${run} is ${found}, expected ${wanted}`);
      }
      this.report.runs = created.size;
      const open: readonly RunSummary[] = await journal.list({ status: 'running' });
      for (const { runId } of open) this.report.violations.push(`${runId} never ended`);
    } finally {
      await journal.close();
    }
    this.#checkEscalations(lines);
    this.#checkEpochs(lines);
    return this.report;
  }

  /** Exactly one escalation per page of a run that fails, none for the others. */
  #checkEscalations(lines: readonly StormLine[]): void {
    const escalations = new Map<string, number>();
    for (const { kind, run, step } of lines) {
      if (kind === 'effect' && step === 'on_error.escalate')
        escalations.set(run, (escalations.get(run) ?? 0) + 1);
    }
    for (const run of new Set(lines.filter(({ kind }) => kind === 'created').map((line) => line.run))) {
      const count = escalations.get(run) ?? 0;
      if (count !== (willFail(run) ? 1 : 0)) this.report.violations.push(`${run} escalated ${count} times`);
    }
  }

  /** No line of an older epoch behind the first line of a newer one; one owner for each epoch. */
  #checkEpochs(lines: readonly StormLine[]): void {
    const owners = new Map<string, string>();
    const firstOf = new Map<string, number>();
    const accepted = lines.filter(({ kind }) => kind === 'accepted');
    for (const { run, epoch = 0, owner = '', from = 0 } of accepted) {
      const key = `${run} ${epoch}`;
      if ((owners.get(key) ?? owner) !== owner) this.report.violations.push(`${key} had two owners`);
      owners.set(key, owner);
      firstOf.set(key, Math.min(firstOf.get(key) ?? Infinity, from));
    }
    for (const { run, epoch = 0, from = 0 } of accepted) {
      const heir = firstOf.get(`${run} ${epoch + 1}`);
      if (heir !== undefined && from >= heir)
        this.report.violations.push(
          `${run} accepted line ${from} of epoch ${epoch} after epoch ${epoch + 1}`,
        );
    }
  }
}
