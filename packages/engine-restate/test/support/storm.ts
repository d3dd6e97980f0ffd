import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createSystemClock } from '@lazarus/core';
import type { RunRequest } from '@lazarus/core/ports';
import type { RestateNode } from '../../../../tools/restate-server.ts';
import { startBalancer } from '../../../../tools/tcp-balancer.ts';
import type { TcpBalancer } from '../../../../tools/tcp-balancer.ts';
import { RUN_SERVICE } from '../../src/endpoint/run-service.ts';
import { RestateServers } from '../../src/server/restate-servers.ts';
import { isKilled } from '../../src/server/run-outcome.ts';
import type { RunOutcome } from '../../src/server/run-outcome.ts';
import { RunStore } from '../../src/server/run-store.ts';
import type { RecordedRun } from '../../src/server/run-store.ts';
import { freePort } from './free-port.ts';
import { STORM_NEEDS } from './storm-workflow.ts';

const CHILD = fileURLToPath(new URL('./storm-child.ts', import.meta.url));

/** One line of what the processes did. */
export interface StormLine {
  readonly generation: number;
  /** `page`: a call of the pager, by a workflow or by an engine. */
  readonly kind: 'body' | 'effect' | 'page';
  readonly run: string;
  /** Of a page, why. */
  readonly step: string;
  readonly attempt?: number;
}

/** A service process that will kill itself. */
interface Child {
  readonly generation: number;
  readonly process: ChildProcess;
  readonly target: string;
}

/** Processes behind one address, on servers that others start and kill. */
export class Storm {
  readonly folder = mkdtempSync(join(tmpdir(), 'lazarus-storm-'));
  readonly store: RunStore;
  readonly errors: string[] = [];
  /** Kills of processes by themselves, and whether a run was in flight then. */
  kills = 0;
  readonly #servers: readonly RestateNode[];
  readonly #balancer: TcpBalancer;
  readonly #children = new Set<Child>();
  #generation = 0;
  #starting = 0;
  #isEnding = false;

  private constructor(servers: readonly RestateNode[], balancer: TcpBalancer) {
    this.#servers = servers;
    this.#balancer = balancer;
    mkdirSync(join(this.folder, 'effects'));
    const clock = createSystemClock();
    this.store = new RunStore(new RestateServers(this.#addresses(), clock, 5_000), RUN_SERVICE);
  }

  static async open(servers: readonly RestateNode[]): Promise<Storm> {
    return new Storm(servers, await startBalancer());
  }

  #addresses(): { ingressUrl: string; adminUrl: string }[] {
    return this.#servers.map(({ ingressUrl, adminUrl }) => ({ ingressUrl, adminUrl }));
  }

  /** Processes that live or are about to. */
  get size(): number {
    return this.#children.size + this.#starting;
  }

  get serviceUrl(): string {
    return this.#balancer.url;
  }

  /** Starts a process; it is called as soon as it listens. */
  async start(killAt: number): Promise<void> {
    this.#generation += 1;
    const generation = this.#generation;
    this.#starting += 1;
    const port = await freePort().finally(() => (this.#starting -= 1));
    if (this.#isEnding) return;
    const args = [this.folder, generation, port, killAt, this.serviceUrl, JSON.stringify(this.#addresses())];
    const child = spawn(
      process.execPath,
      ['--conditions=@lazarus/source', '--disable-warning=ExperimentalWarning', CHILD, ...args.map(String)],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, NODE_COMPILE_CACHE: join(this.folder, 'compiled') },
      },
    );
    const entry: Child = { generation, process: child, target: `http://127.0.0.1:${port}` };
    this.#children.add(entry);
    this.#balancer.add(entry.target);
    child.stderr.on('data', (chunk: Buffer) => {
      this.errors.push(chunk.toString());
    });
    void once(child, 'exit').then(([, signal]) => {
      this.#children.delete(entry);
      this.#balancer.remove(entry.target);
      if (signal === 'SIGKILL' && !this.#isEnding) this.kills += 1;
    });
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  }

  /** SIGSTOP for all of them, or for one. */
  freeze(generation?: number): void {
    this.#signal('SIGSTOP', generation);
  }

  /** SIGCONT for all of them, or for one. */
  thaw(generation?: number): void {
    this.#signal('SIGCONT', generation);
  }

  #signal(signal: NodeJS.Signals, generation: number | undefined): void {
    for (const child of this.#children)
      if (generation === undefined || child.generation === generation) child.process.kill(signal);
  }

  /** Every complete line of the ledger. */
  ledger(): readonly StormLine[] {
    const file = join(this.folder, 'ledger.log');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as StormLine);
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(
      [...this.#children].map(async ({ process: child }) => {
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      }),
    );
    await this.#balancer.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Steps whose results are durable in a journal. */
export function settledSteps({ entries }: RecordedRun): ReadonlySet<string> {
  const names = new Map(
    entries.flatMap((entry) => (entry.kind === 'command' ? [[entry.id, entry.name] as const] : [])),
  );
  return new Set(
    entries.flatMap((entry) => {
      const isResult =
        entry.kind === 'completion' &&
        typeof entry.value === 'object' &&
        entry.value !== null &&
        'settled' in entry.value;
      return isResult ? [stepOf(names.get(entry.id) ?? '')] : [];
    }),
  );
}

/** Effects whose steps do not follow from what is durable. */
export function effectsWithoutIntent(
  lines: readonly StormLine[],
  durable: ReadonlyMap<string, ReadonlySet<string>>,
): readonly string[] {
  return lines.flatMap(({ kind, run, step }) => {
    const settled = durable.get(run);
    if (kind !== 'effect' || settled === undefined) return [];
    const missing = (STORM_NEEDS[step] ?? ['?']).filter((need) => !settled.has(need));
    return missing.map((need) => `effect of ${run}/${step} before ${need} was durable`);
  });
}

/** Results that a journal took from an execution although a later one had written already. */
export function staleWrites(runId: string, { entries }: RecordedRun): readonly string[] {
  const writers = entries.flatMap((entry) => {
    const { by } = ((entry.kind === 'completion' ? entry.value : null) ?? {}) as { readonly by?: string };
    return by === undefined ? [] : [by];
  });
  return writers.flatMap((writer, index) =>
    index > 0 && writers[index - 1] !== writer && writers.slice(0, index).includes(writer)
      ? [`${runId}: ${writer} wrote after another execution had`]
      : [],
  );
}

/** `clone#2~3` is the third closure of the second attempt of `clone`. */
const stepOf = (name: string): string => name.split('#')[0] ?? '';

export function aStormRequest(runId: string): RunRequest {
  return {
    runId,
    workflow: 'test.storm',
    inputs: {},
    event: {
      id: runId,
      event_type: 'HostDown',
      source: 'test',
      time: '2026-01-01T00:00:00Z',
      region: 'r',
      environment: 'test',
      service: 'web',
      attributes: {},
    },
    rule: 'r',
    configDigest: 'd',
    service: 'web',
    incidentKey: `INC-${runId}`,
    lock: { kind: 'service', service: 'web' },
    timeoutMs: 1_800_000,
  };
}

/** `succeeded left_alone` and the like. */
export const outcomeOf = (view: RunOutcome): string =>
  typeof view === 'object' && 'status' in view
    ? `${view.status} ${view.page ?? ''}`
    : isKilled(view)
      ? view.killed
      : (view ?? 'lost');
