import { createSystemClock } from '@lazarus/core';
import { createActionRegistry, loadWorkflow, resolveInputs } from '@lazarus/dag';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineAction } from '@lazarus/dag';
import {
  startRestate,
  startRestateCluster,
  whyNoRestate,
  withRestate,
} from '../../../tools/restate-server.ts';
import { pinRun } from '../src/run/pinned-run.ts';
import {
  aStormRequest,
  effectsWithoutIntent,
  outcomeOf,
  settledSteps,
  staleWrites,
  Storm,
} from './support/storm.ts';
import type { StormLine } from './support/storm.ts';
import { STORM_WORKFLOW, willFail } from './support/storm-workflow.ts';

const clock = createSystemClock();
const PROCESSES = 2;
const IN_FLIGHT = 8;
/** Far more than it takes, for machines that do other work as well. */
const LIMIT_MS = 290_000;

const inert = (name: string) =>
  defineAction({
    name,
    version: 1,
    summary: 'Is run in other processes.',
    input: z.looseObject({}),
    output: z.unknown(),
    idempotent: true,
    run: async () => null,
  });
const actions = createActionRegistry(['storm.act', 'storm.checked', 'pager.escalate'].map(inert));
const definition = loadWorkflow(STORM_WORKFLOW, { file: 'storm.yaml', actions });

/** Keeps runs in flight: submits a new one whenever one has ended. */
class Load {
  readonly runs: string[] = [];
  readonly open = new Set<string>();
  readonly #storm: Storm;

  constructor(storm: Storm) {
    this.#storm = storm;
  }

  async submit(): Promise<void> {
    const request = aStormRequest(`run-${this.runs.length + 1}`);
    this.runs.push(request.runId);
    const run = pinRun(request, definition, resolveInputs(definition, request), actions, clock.now());
    await retried(() => this.#storm.store.submit(run));
    this.open.add(request.runId);
  }

  /** Forgets the runs that have ended, and submits others up to a number in flight. */
  async refill(inFlight: number): Promise<void> {
    await Promise.all(
      [...this.open].map(async (runId) => {
        const state = await this.#storm.store.state(runId).catch(() => 'running' as const);
        if (state !== 'running') this.open.delete(runId);
      }),
    );
    const missing = Math.max(0, inFlight - this.open.size);
    await Promise.all(Array.from({ length: missing }, () => this.submit()));
  }
}

async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch {
      await clock.sleep(100);
    }
  }
}

/** Bodies that ran although an earlier line says that a later step had begun: their result was durable by then. */
function repeatedSteps(
  lines: readonly StormLine[],
  needs: Readonly<Record<string, readonly string[]>>,
): readonly string[] {
  const done = new Set<string>();
  return lines.flatMap(({ kind, run, step, attempt = 0 }) => {
    if (kind !== 'body') return [];
    for (const need of needs[step] ?? []) done.add(`${run}/${need}`);
    return done.has(`${run}/${step}`) ? [`${run}/${step}#${attempt}`] : [];
  });
}

async function drain(load: Load, storm: Storm, limitMs: number): Promise<void> {
  const untilMs = clock.monotonic() + limitMs;
  while (load.open.size > 0 && clock.monotonic() < untilMs) {
    await load.refill(0);
    if (storm.size === 0) await storm.start(0);
    await clock.sleep(100);
  }
}

async function violations(load: Load, storm: Storm): Promise<readonly string[]> {
  const lines = storm.ledger();
  const { STORM_NEEDS } = await import('./support/storm-workflow.ts');
  const found: string[] = [...repeatedSteps(lines, STORM_NEEDS).map((each) => `${each} was repeated`)];
  const escalations = new Map<string, number>();
  for (const { kind, run, step } of lines)
    if (kind === 'effect' && step === 'on_error.escalate')
      escalations.set(run, (escalations.get(run) ?? 0) + 1);
  for (const runId of load.runs) {
    const outcome = outcomeOf(await storm.store.state(runId));
    const wanted = willFail(runId) ? 'failed escalated' : 'succeeded left_alone';
    if (outcome !== wanted) found.push(`${runId} is ${outcome}, expected ${wanted}`);
    const times = escalations.get(runId) ?? 0;
    if (times !== (willFail(runId) ? 1 : 0)) found.push(`INC-${runId} was escalated ${times} times`);
    const recorded = await storm.store.load(runId);
    if (recorded === undefined) found.push(`${runId} has no journal`);
    else found.push(...staleWrites(runId, recorded));
  }
  return found;
}

describe.skipIf(whyNoRestate() !== undefined)(withRestate('100 kills on Restate'), () => {
  it(
    'lose no run, repeat no completed step, accept nothing stale, escalate once, act on nothing that is not durable',
    async () => {
      const server = await startRestate({ silenceMs: 3_000 });
      const storm = await Storm.open([server]);
      const load = new Load(storm);
      const withoutIntent: string[] = [];
      let serverKills = 0;
      const startMortal = (): Promise<void> => storm.start(10 + Math.floor(Math.random() * 50));
      try {
        await Promise.all(Array.from({ length: PROCESSES }, startMortal));
        while (storm.kills + serverKills < 100) {
          while (storm.size < PROCESSES) void startMortal();
          await load.refill(IN_FLIGHT);
          await clock.sleep(50 + Math.random() * 200);
          if (serverKills >= 50 || load.open.size === 0) continue;
          await server.kill();
          storm.freeze();
          serverKills += 1;
          const lines = storm.ledger();
          await server.start();
          const durable = new Map<string, ReadonlySet<string>>();
          for (const runId of load.open) {
            const recorded = await retried(() => storm.store.load(runId));
            if (recorded !== undefined) durable.set(runId, settledSteps(recorded));
          }
          withoutIntent.push(...effectsWithoutIntent(lines, durable));
          storm.thaw();
        }
        await drain(load, storm, 60_000);
        console.log(
          `${storm.kills} processes and ${serverKills} servers killed, ${load.runs.length} runs, ${storm.ledger().length} lines`,
        );
        expect(withoutIntent).toEqual([]);
        expect(await violations(load, storm)).toEqual([]);
        expect([storm.kills + serverKills >= 100, serverKills >= 30]).toEqual([true, true]);
      } finally {
        await storm.end();
        await server.stop();
      }
    },
    LIMIT_MS,
  );
});

describe.skipIf(whyNoRestate() !== undefined)(withRestate('a cluster of three Restate nodes'), () => {
  it(
    'goes on without the one that is killed: every run ends, and others can be submitted',
    async () => {
      const cluster = await startRestateCluster({ silenceMs: 3_000 });
      const storm = await Storm.open(cluster.nodes);
      const load = new Load(storm);
      try {
        await Promise.all([storm.start(0), storm.start(0)]);
        await load.refill(12);
        await clock.sleep(150);
        await cluster.nodes[0]?.kill();
        await load.refill(24);
        await drain(load, storm, 60_000);
        expect(await violations(load, storm)).toEqual([]);
      } finally {
        await storm.end();
        await cluster.stop();
      }
    },
    LIMIT_MS,
  );
});
