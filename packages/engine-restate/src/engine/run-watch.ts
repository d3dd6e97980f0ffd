/**
 * What a process looks at again and again: whether a server answers, whether the service is known there, and whether
 * Restate gets on with the runs. Where nobody drives a run any more, a human is told. Keeps S10.
 */
import { describeError } from '@lazarus/core';
import type { Logger } from '@lazarus/core/ports';
import { callForHelp } from '@lazarus/dag';
import type { EngineOptions } from '@lazarus/dag';
import type { ResolvedOptions } from '../options.ts';
import type { PinnedRun } from '../run/pinned-run.ts';
import { isKnown } from '../server/register-service.ts';
import type { RestateServers } from '../server/restate-servers.ts';
import type { Invocation, RunStore } from '../server/run-store.ts';
import { RUN_SERVICE } from '../endpoint/run-endpoint.ts';

/** What the watch works with. */
export interface RunWatchPorts {
  readonly store: RunStore;
  readonly servers: RestateServers;
  readonly ports: Pick<EngineOptions, 'ports' | 'clock' | 'log' | 'meter'>;
  readonly times: ResolvedOptions['times'];
  readonly closing: AbortSignal;
  register(): Promise<void>;
  cancel(runId: string, reason: string): Promise<void>;
  isDriven(runId: string): boolean;
}

/** A run that this process had in hand. */
interface Known {
  readonly run: PinnedRun;
  /** Why it is to stop once a server answers; a human was told, or believes that there is no run. */
  stop?: string;
  isTold?: boolean;
}

/** Time after the deadline of a run at which somebody must have been told, milliseconds. */
const OVERDUE_MS = 60_000;

/** Looks after runs from the outside. */
export class RunWatch {
  readonly #ports: RunWatchPorts;
  readonly #known = new Map<string, Known>();
  /** Runs in trouble about which a human was told. */
  readonly #told = new Set<string>();
  #answeredAtMs: number;
  #failure: string | undefined;
  stopped: Promise<void> = Promise.resolve();

  constructor(ports: RunWatchPorts) {
    this.#ports = ports;
    this.#answeredAtMs = ports.ports.clock.monotonic();
  }

  /** Why no run can be started now. */
  get failure(): string | undefined {
    return this.#failure;
  }

  start(): void {
    this.#answeredAtMs = this.#ports.ports.clock.monotonic();
    this.stopped = this.#forever();
  }

  /** This process drives a run. */
  took(run: PinnedRun): void {
    const known = this.#known.get(run.request.runId);
    if (known?.stop === undefined) this.#known.set(run.request.runId, { run });
  }

  /** A run left this process before its end. */
  lost(run: PinnedRun): void {
    if (!this.#known.has(run.request.runId)) this.#known.set(run.request.runId, { run });
  }

  /** Nobody knows whether Restate has this run: it is to stop if it does. */
  doubt(run: PinnedRun, stop: string): void {
    this.#known.set(run.request.runId, { run, stop });
  }

  ended(runId: string): void {
    this.#known.delete(runId);
  }

  async #forever(): Promise<void> {
    const { closing, ports, times } = this.#ports;
    for (;;) {
      try {
        await ports.clock.sleep(times.watchMs, { signal: closing });
      } catch {
        return;
      }
      await this.#once();
    }
  }

  async #once(): Promise<void> {
    const { store, servers, closing, ports } = this.#ports;
    try {
      if (!(await isKnown(servers, RUN_SERVICE))) await this.#ports.register();
      await this.#stopDoubted();
      for (const invocation of await store.troubled()) await this.#lookAfter(invocation);
      this.#recover();
    } catch (error) {
      if (closing.aborted) return;
      this.#fail(describeError(error));
      const silentMs = ports.clock.monotonic() - this.#answeredAtMs;
      if (silentMs >= this.#ports.times.strandedMs) await this.#tellStranded();
    }
  }

  #fail(reason: string): void {
    const { log, meter } = this.#ports.ports;
    if (this.#failure === undefined) {
      log.error('Restate does not answer: no run is started until it does', { error: reason });
      meter?.count('lazarus_journal_errors_total');
    }
    meter?.gauge('lazarus_journal_works', {}, 0);
    this.#failure = reason;
  }

  #recover(): void {
    const { clock, log, meter } = this.#ports.ports;
    if (this.#failure !== undefined) log.info('Restate answers again');
    meter?.gauge('lazarus_journal_works', {}, 1);
    this.#failure = undefined;
    this.#answeredAtMs = clock.monotonic();
    for (const [runId, known] of this.#known)
      if (known.stop === undefined && !this.#ports.isDriven(runId)) this.#known.delete(runId);
  }

  /** No server has answered for a while: the people behind the runs that this process had in hand are told at once. */
  async #tellStranded(): Promise<void> {
    const waiting = [...this.#known.values()].filter(({ isTold }) => isTold !== true);
    await Promise.all(
      waiting.map(async (known) => {
        known.isTold = true;
        known.stop ??= 'no Restate server had answered, and a person was told';
        await this.#help(known.run, `no Restate server answers: ${this.#failure ?? ''}`);
      }),
    );
  }

  async #stopDoubted(): Promise<void> {
    for (const [runId, { stop }] of this.#known) {
      if (stop === undefined) continue;
      await this.#ports.cancel(runId, stop);
      this.#known.delete(runId);
    }
  }

  /** A run that Restate gave up, or that is past its time, needs a human; a journal that does not fit does so at once. */
  async #lookAfter({ runId, status, retries, failure = '' }: Invocation): Promise<void> {
    if (this.#told.has(runId)) return;
    const isMismatch = /journal mismatch|RT0016|570/i.test(failure);
    if (status !== 'paused' && !isMismatch && retries < 2) return;
    const recorded = await this.#ports.store.load(runId);
    if (recorded === undefined) return;
    const isOverdue = recorded.run.deadlineAtMs + OVERDUE_MS < this.#ports.ports.clock.now();
    if (status !== 'paused' && !isMismatch && !isOverdue) return;
    this.#told.add(runId);
    await this.#help(recorded.run, `Restate cannot go on with it (${status}): ${failure}`);
  }

  async #help(run: PinnedRun, reason: string): Promise<void> {
    const { ports, clock, log } = this.#ports.ports;
    (log satisfies Logger).error('a run needs a human', { run_id: run.request.runId, reason });
    await callForHelp(run.request, reason, { ports, clock, log, signal: this.#ports.closing });
  }
}
