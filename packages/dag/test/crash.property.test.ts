import { PortError } from '@lazarus/core';
import { createSeededRandom } from '@lazarus/testing';
import { runbookViolations, runRunbook } from '@lazarus/testing/lab';
import type { RunbookFault } from '@lazarus/testing/lab';
import { describe, expect, it } from 'vitest';
import { shipped } from './support/bench.ts';

const SEEDS = 1_000;

/** Kills the process, or fails the call, at random places. */
function randomFault(seed: number): { readonly fault: RunbookFault; readonly kills: () => number } {
  const random = createSeededRandom(seed);
  let kills = 0;
  return {
    kills: () => kills,
    fault: async (_moment, _call, { kill }) => {
      const chance = random.next();
      if (chance < 0.06 && kills < 6) {
        kills += 1;
        await kill();
      }
      if (chance > 0.94) {
        throw new PortError({ code: 'LZ_ACTUATOR_TRANSIENT', message: 'throttled', retryable: true });
      }
    },
  };
}

describe('default.replace_host', () => {
  it(`loses no run and repeats no completed step over ${SEEDS} random sequences of kills and failures`, async () => {
    const workflow = shipped('replace_host');
    const outcomes = new Map<string, number>();
    let kills = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { fault, kills: killed } = randomFault(seed);
      const result = await runRunbook(workflow, { unmocked: 'happy', seed, fault });
      kills += killed();
      const { status, page } = result.run;
      outcomes.set(`${status} ${page ?? ''}`, (outcomes.get(`${status} ${page ?? ''}`) ?? 0) + 1);
      expect({ seed, violations: runbookViolations(workflow, result) }).toEqual({ seed, violations: [] });
      expect({
        seed,
        launches: new Set(result.callsOf('host.clone').map(({ idempotencyKey }) => idempotencyKey)).size <= 1,
      }).toEqual({ seed, launches: true });
    }
    // The run was disturbed often enough for the result to mean something, and both ways out were taken.
    expect(kills).toBeGreaterThan(SEEDS);
    expect(outcomes.get('succeeded resolved') ?? 0).toBeGreaterThan(SEEDS / 4);
    expect([...outcomes.keys()].filter((outcome) => outcome.endsWith('left_alone'))).toEqual([]);
  }, 120_000);
});
