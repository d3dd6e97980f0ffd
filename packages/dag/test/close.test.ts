import { describe, expect, it } from 'vitest';
import type { Logger } from '@lazarus/core/ports';
import { silentLogger } from '@lazarus/testing';
import { z } from 'zod';
import { defineAction } from '../src/index.ts';
import { aRequest, createBench, workflow } from './support/bench.ts';
import type { Bench } from './support/bench.ts';
import { TestLocks } from './support/world.ts';

const FLOW = `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: test.flow, version: 1 }
steps:
  a: { uses: acme.act@1 }
`;

interface Scene {
  readonly bench: Bench;
  readonly locks: TestLocks;
  readonly warnings: string[];
  /** What the body did, with the seconds at which it did it. */
  readonly trail: string[];
  open(): ReturnType<Bench['open']>;
}

/** A run whose body takes 8 s, and obeys its signal or not. Processes that end are not noticed, only leases that run out. */
function aScene(obeys: boolean): Scene {
  const trail: string[] = [];
  const say = (what: string): void => void trail.push(`${bench.clock.monotonic() / 1_000} s: ${what}`);
  const done = new Set<string>();
  const act = defineAction({
    name: 'acme.act',
    version: 1,
    summary: 'Takes 8 s.',
    input: z.strictObject({}),
    output: z.strictObject({}),
    check: async (_input, { idempotencyKey }) =>
      done.has(idempotencyKey) ? { happened: true, output: {} } : { happened: false },
    run: async (_input, { clock, signal, idempotencyKey }) => {
      say('begins');
      await clock.sleep(8_000, obeys ? { signal } : {});
      done.add(idempotencyKey);
      say('acts');
      return {};
    },
  });
  const bench = createBench({ workflows: [workflow(FLOW, [act])], actions: [act] });
  const locks = new TestLocks();
  const warnings: string[] = [];
  const log: Logger = { ...silentLogger, warn: (message) => void warnings.push(message) };
  let opened = 0;
  const open = (): ReturnType<Bench['open']> => {
    opened += 1;
    return bench.open({ locks, log, processes: { self: `p${opened}`, isGone: () => false } });
  };
  return { bench, locks, warnings, trail, open };
}

describe('an engine that closes while a body runs', () => {
  it('gives its runs and locks back at once when the body obeys its signal', async () => {
    const { bench, locks, warnings, trail, open } = aScene(true);
    const first = await open();
    await first.submit(aRequest({ workflow: 'test.flow' }));
    await bench.clock.advance(1_000);
    await first.close();
    expect([locks.held.size, warnings]).toEqual([0, []]);
    const second = await open();
    expect(second.activeRuns).toEqual(['run-1']);
    expect((await bench.finish(second)).status).toBe('succeeded');
    expect(trail).toEqual(['1 s: begins', '2 s: begins', '10 s: acts']);
  });

  it('lets its lease run out when the body does not: nobody acts beside it for the 10 s of the lease', async () => {
    const { bench, locks, warnings, trail, open } = aScene(false);
    const first = await open();
    await first.submit(aRequest({ workflow: 'test.flow' }));
    await bench.clock.advance(1_000);
    await first.close();
    expect(warnings).toEqual([expect.stringContaining('the lease and the locks of these runs are left')]);
    expect(locks.held.size).toBe(1);
    const second = await open();
    expect(second.activeRuns).toEqual([]);
    expect((await bench.finish(second)).status).toBe('succeeded');
    expect(trail).toEqual(['1 s: begins', '9 s: acts']);
    expect(locks.held.size).toBe(0);
  });
});
