import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createSeededRandom } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/bench.ts';
import { startStorm, StormWatch } from './support/storm.ts';
import type { StormProcess, StormReport } from './support/storm.ts';
import { readLedger, StormLedger } from './support/storm-ledger.ts';
import type { StormLine } from './support/storm-ledger.ts';

/**
 * Real processes killed with SIGKILL: `LAZARUS_KILLS=1000` for the whole count, otherwise what fits into its share of CI
 * time. `LAZARUS_SEED` picks other instants, `LAZARUS_THREAD=main` the journal without a thread of its own.
 */
const WHOLE = Number(process.env['LAZARUS_KILLS'] ?? 0);
const SEED = Number(process.env['LAZARUS_SEED'] ?? 1);
const THREAD = process.env['LAZARUS_THREAD'] === 'main' ? 'main' : 'worker';
const KILLS = WHOLE > 0 ? WHOLE : 160;
const SHARE_MS = WHOLE > 0 ? Infinity : 45_000;
/** However slow the machine is, each chain kills this often. */
const LEAST_KILLS = 5;
const FREEZES = WHOLE > 0 ? 20 : 3;
const IN_FLIGHT = 12;
const CHAINS = 2;
/** Longest life after the engine is open, milliseconds. */
const LIFE_MS = 120;
/** A boundary that never comes is no reason to wait for ever. */
const LONGEST_LIFE_MS = 2_000;
/** Longest wait for something that happens in milliseconds on a machine with nothing else to do. */
const PATIENCE_MS = 60_000;

async function kill({ child, exited }: StormProcess): Promise<void> {
  child.kill('SIGKILL');
  await exited;
}

/** Kills one process after the other on one folder; half of them at a boundary, half at any instant. */
async function chain(folder: string, seed: number, kills: number): Promise<StormReport> {
  mkdirSync(folder);
  const random = createSeededRandom(seed);
  const watch = new StormWatch(folder);
  const { report } = watch;
  const startedAtMs = performance.now();
  const goesOn = (): boolean =>
    report.met < Math.min(kills, LEAST_KILLS) ||
    (report.met < kills && performance.now() - startedAtMs < SHARE_MS);
  let generation = 1;
  for (; goesOn(); generation += 1) {
    const atBoundary = random.next() < 0.5;
    const killAt = atBoundary ? 1 + Math.floor(random.next() * 600) : 0;
    const start = { generation, inFlight: IN_FLIGHT, killAt, thread: THREAD } as const;
    const victim = await startStorm(folder, start);
    const limit = new AbortController();
    const life = setTimeout(atBoundary ? LONGEST_LIFE_MS : random.next() * LIFE_MS, undefined, limit);
    await Promise.race([life, victim.exited]).catch(() => undefined);
    limit.abort();
    await kill(victim);
    if (victim.child.signalCode !== 'SIGKILL')
      watch.accuse('ended by itself', '', `generation ${generation}: ${victim.errors()}`);
    await watch.afterKill(generation);
  }
  const last = await startStorm(folder, { generation, inFlight: 0, thread: THREAD });
  await last.exited;
  if (last.child.exitCode !== 0) watch.accuse('ended by itself', '', `the last process: ${last.errors()}`);
  return watch.finish();
}

describe('a process that is killed again and again (S10, S12)', () => {
  it('loses no run, repeats no completed step, and escalates once, wherever SIGKILL meets it', async () => {
    const folder = temporaryFolder();
    const chains = Array.from({ length: CHAINS }, (_, index) =>
      chain(join(folder, String(index)), SEED * CHAINS + index, Math.ceil(KILLS / CHAINS)),
    );
    const reports = await Promise.all(chains);
    const sum = (field: 'kills' | 'met' | 'interrupted' | 'runs'): number =>
      reports.reduce((total, report) => total + report[field], 0);
    console.info(
      `${sum('kills')} kills, ${sum('met')} of them with runs in flight: ${sum('interrupted')} interruptions of ${sum('runs')} runs, journal on the ${THREAD} thread`,
    );
    expect(reports.flatMap(({ violations }) => violations)).toEqual([]);
    expect(sum('met')).toBeGreaterThanOrEqual(WHOLE > 0 ? KILLS : CHAINS * LEAST_KILLS);
  }, 7_200_000);
});

/** Waits until the ledger has such a line, or the process has ended. */
async function untilNoted(
  folder: string,
  process: StormProcess,
  isIt: (line: StormLine) => boolean,
): Promise<boolean> {
  for (const startedAtMs = performance.now(); performance.now() - startedAtMs < PATIENCE_MS;) {
    if (readLedger(folder).some(isIt)) return true;
    if (!process.isAlive()) return false;
    await setTimeout(20);
  }
  return false;
}

/** Freezes a process at a random instant until another one owns its runs; `undefined` when it held the file's lock then. */
async function freeze(folder: string, lifeMs: number): Promise<StormReport | undefined> {
  mkdirSync(folder);
  const watch = new StormWatch(folder);
  const zombie = await startStorm(folder, { generation: 1, inFlight: IN_FLIGHT, submit: 200 });
  await untilNoted(folder, zombie, ({ kind }) => kind === 'accepted');
  await setTimeout(lifeMs);
  zombie.child.kill('SIGSTOP');
  // Its lease of 400 ms runs out; it lives, so nobody may take its runs before.
  const heir = await startStorm(folder, { generation: 2, inFlight: IN_FLIGHT, submit: 20 });
  const isTakenOver = await untilNoted(
    folder,
    heir,
    ({ kind, epoch = 0 }) => kind === 'accepted' && epoch > 1,
  );
  zombie.child.kill('SIGCONT');
  // Frozen inside a transaction it keeps the lock of the file, and nobody can take its runs over: another instant.
  if (!isTakenOver) {
    await kill(heir);
    await kill(zombie);
    expect(heir.errors()).toMatch(/database is locked|^$/);
    return undefined;
  }
  const noticed = await untilNoted(
    folder,
    zombie,
    ({ kind, generation }) => generation === 1 && (kind === 'refused' || kind === 'let_go'),
  );
  if (!noticed) watch.accuse('stale epoch accepted', '', 'the process that woke up was refused nothing');
  await setTimeout(200);
  await Promise.all([kill(zombie), kill(heir)]);
  await watch.afterKill(2);
  const last = await startStorm(folder, { generation: 3, inFlight: 0 });
  await last.exited;
  const report = await watch.finish();
  const errors = zombie.errors() + heir.errors() + last.errors();
  if (errors !== '') watch.accuse('ended by itself', '', errors);
  return report;
}

describe('a process that is frozen, replaced, and wakes up', () => {
  it('has nothing accepted any more, over random instants with SIGSTOP and SIGCONT', async () => {
    const folder = temporaryFolder();
    const random = createSeededRandom(SEED + 2);
    const found: StormReport[] = [];
    for (let tries = 1; found.length < FREEZES && tries <= 5 * FREEZES; tries += 1) {
      const report = await freeze(join(folder, String(tries)), random.next() * LIFE_MS);
      if (report !== undefined) found.push(report);
    }
    expect(found.flatMap(({ violations }) => violations)).toEqual([]);
    expect(found).toHaveLength(FREEZES);
    expect(found.every(({ runs }) => runs > 0)).toBe(true);
  }, 1_200_000);
});

describe('the watch over a storm', () => {
  it('counts what the workflow and what the engine did to a page together', async () => {
    const folder = temporaryFolder();
    const ledger = new StormLedger(folder, 1);
    const escalated = (run: string): void =>
      ledger.note({ kind: 'effect', run, step: 'on_error.escalate', key: run });
    const helped = (run: string): void => ledger.note({ kind: 'paged', run, call: 'escalate: help' });
    for (const run of ['run-1-4', 'run-1-5', 'run-1-10', 'run-1-15', 'run-1-20'])
      ledger.note({ kind: 'created', run });
    escalated('run-1-5');
    helped('run-1-10');
    escalated('run-1-15');
    helped('run-1-15');
    helped('run-1-4');
    helped('run-1-3');
    ledger.close();
    const { violations } = await new StormWatch(folder).finish();
    const found = violations.filter(({ check }) => check === 'escalated exactly once');
    expect(found.map(({ run, detail }) => [run, detail.split(':')[0]])).toEqual([
      ['run-1-4', '1 times'],
      ['run-1-15', '2 times'],
      ['run-1-20', '0 times'],
      ['run-1-3', '1 times'],
    ]);
  });
});
