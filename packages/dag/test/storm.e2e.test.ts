import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createSeededRandom } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/bench.ts';
import { startStorm, StormWatch } from './support/storm.ts';
import type { StormReport } from './support/storm.ts';

/** Real processes killed with SIGKILL: `LAZARUS_KILLS=1000` for the whole count, otherwise what 60 s allow. */
const WHOLE = Number(process.env['LAZARUS_KILLS'] ?? 0);
const KILLS = WHOLE > 0 ? WHOLE : 160;
const SHARE_MS = WHOLE > 0 ? Infinity : 60_000;
const FREEZES = WHOLE > 0 ? 20 : 3;
const LEAST_KILLS = Math.min(KILLS, 20);
const IN_FLIGHT = 12;
const CHAINS = 2;
/** Longest life after the engine is open, milliseconds. */
const LIFE_MS = 120;

/** Kills one process after the other on one folder; half of them at a boundary, half at any instant. */
async function chain(folder: string, seed: number, kills: number): Promise<StormReport> {
  mkdirSync(folder);
  const random = createSeededRandom(seed);
  const watch = new StormWatch(folder);
  const startedAtMs = performance.now();
  let generation = 1;
  for (; generation <= kills && performance.now() - startedAtMs < SHARE_MS; generation += 1) {
    const atBoundary = random.next() < 0.5;
    const killAt = atBoundary ? 1 + Math.floor(random.next() * 600) : 0;
    const { child, exited, errors } = await startStorm(folder, { generation, inFlight: IN_FLIGHT, killAt });
    if (!atBoundary) await setTimeout(random.next() * LIFE_MS);
    // A boundary that never comes is no reason to wait for ever.
    const limit = new AbortController();
    void setTimeout(2_000, undefined, { signal: limit.signal }).then(
      () => child.kill('SIGKILL'),
      () => undefined,
    );
    if (!atBoundary) child.kill('SIGKILL');
    await exited;
    limit.abort();
    if (child.signalCode !== 'SIGKILL')
      watch.report.violations.push(`generation ${generation} ended by itself: ${errors()}`);
    await watch.afterKill(generation);
  }
  const last = await startStorm(folder, { generation, inFlight: 0 });
  await last.exited;
  return watch.finish();
}

describe('a process that is killed again and again', () => {
  it('loses no run, repeats no completed step, and escalates once, wherever SIGKILL meets it', async () => {
    const folder = temporaryFolder();
    const chains = Array.from({ length: CHAINS }, (_, index) =>
      chain(join(folder, String(index)), index + 1, Math.ceil(KILLS / CHAINS)),
    );
    const reports = await Promise.all(chains);
    const sum = (field: 'kills' | 'interrupted' | 'runs'): number =>
      reports.reduce((total, report) => total + report[field], 0);
    expect(reports.flatMap(({ violations }) => violations)).toEqual([]);
    expect(sum('kills')).toBeGreaterThanOrEqual(WHOLE > 0 ? KILLS : LEAST_KILLS);
    // The kills met work: several runs in flight each time.
    expect(sum('interrupted')).toBeGreaterThan(3 * sum('kills'));
    console.info(`${sum('kills')} kills, ${sum('interrupted')} interruptions of ${sum('runs')} runs`);
  }, 1_500_000);
});

describe('a process that is frozen, replaced, and wakes up', () => {
  it('has nothing accepted any more, over random instants with SIGSTOP and SIGCONT', async () => {
    const folder = temporaryFolder();
    const random = createSeededRandom(3);
    for (let round = 1, tries = 1; round <= FREEZES; tries += 1) {
      const own = join(folder, String(tries));
      mkdirSync(own);
      const watch = new StormWatch(own);
      const zombie = await startStorm(own, { generation: 1, inFlight: IN_FLIGHT, submit: 200 });
      await setTimeout(random.next() * LIFE_MS);
      zombie.child.kill('SIGSTOP');
      // Its lease of 400 ms runs out; it lives, so nobody may take its runs before.
      const heir = await startStorm(own, { generation: 2, inFlight: IN_FLIGHT, submit: 20 });
      await setTimeout(700);
      zombie.child.kill('SIGCONT');
      // Frozen inside a transaction it keeps the lock of the file, and nobody can take its runs over: another instant.
      if (heir.child.exitCode !== null) {
        expect(heir.errors()).toContain('database is locked');
        zombie.child.kill('SIGKILL');
        await zombie.exited;
        continue;
      }
      await setTimeout(500);
      for (const { child } of [zombie, heir]) child.kill('SIGKILL');
      await Promise.all([zombie.exited, heir.exited]);
      await watch.afterKill(2);
      const last = await startStorm(own, { generation: 3, inFlight: 0 });
      await last.exited;
      const report = await watch.finish();
      expect({ round, violations: report.violations, errors: zombie.errors() + heir.errors() }).toEqual({
        round,
        violations: [],
        errors: '',
      });
      expect(report.runs).toBeGreaterThan(0);
      round += 1;
    }
  }, 600_000);
});
