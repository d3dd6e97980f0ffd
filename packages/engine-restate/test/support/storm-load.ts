import { createSystemClock } from '@lazarus/core';
import { createActionRegistry, defineAction, loadWorkflow, resolveInputs } from '@lazarus/dag';
import { z } from 'zod';
import { pinRun } from '../../src/run/pinned-run.ts';
import { aStormRequest, outcomeOf, staleWrites } from './storm.ts';
import type { Storm, StormLine } from './storm.ts';
import { STORM_NEEDS, STORM_WORKFLOW, willFail } from './storm-workflow.ts';

const clock = createSystemClock();

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
export class Load {
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

/** Tries until it works: servers are killed all the time. */
export async function retried<T>(work: () => Promise<T>): Promise<T> {
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

/** Waits until no run is open, with at least one process. */
export async function drain(load: Load, storm: Storm, limitMs: number): Promise<void> {
  const untilMs = clock.monotonic() + limitMs;
  while (load.open.size > 0 && clock.monotonic() < untilMs) {
    await load.refill(0);
    if (storm.size === 0) await storm.start(0);
    await clock.sleep(100);
  }
}

/** Everything that must never happen, and did. */
export async function violations(load: Load, storm: Storm): Promise<readonly string[]> {
  const lines = storm.ledger();
  const found: string[] = [...repeatedSteps(lines, STORM_NEEDS).map((each) => `${each} was repeated`)];
  const escalations = new Map<string, string[]>();
  for (const { kind, run, step } of lines)
    if (kind === 'page') escalations.set(run, [...(escalations.get(run) ?? []), step]);
  for (const runId of load.runs) {
    const outcome = outcomeOf(await storm.store.state(runId));
    const wanted = willFail(runId) ? 'failed escalated' : 'succeeded left_alone';
    if (outcome !== wanted) found.push(`${runId} is ${outcome}, expected ${wanted}`);
    const pages = escalations.get(runId) ?? [];
    if (pages.length !== (willFail(runId) ? 1 : 0))
      found.push(`INC-${runId} was escalated ${pages.length} times: ${pages.join('; ')}`);
    const recorded = await storm.store.load(runId);
    if (recorded === undefined) found.push(`${runId} has no journal`);
    else found.push(...staleWrites(runId, recorded));
  }
  return found;
}
