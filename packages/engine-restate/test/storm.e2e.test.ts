import { createSystemClock } from '@lazarus/core';
import { describe, expect, it } from 'vitest';
import {
  startRestate,
  startRestateCluster,
  whyNoRestate,
  withRestate,
} from '../../../tools/restate-server.ts';
import { drain, Load, retried, violations } from './support/storm-load.ts';
import { effectsWithoutIntent, settledSteps, Storm } from './support/storm.ts';

const clock = createSystemClock();
const PROCESSES = 2;
const IN_FLIGHT = 8;
/** Far more than it takes, for machines that do other work as well. */
const LIMIT_MS = 290_000;

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
