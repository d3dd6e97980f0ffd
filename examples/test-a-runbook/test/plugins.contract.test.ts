import { createMemoryLocks } from '@lazarus/core/memory';
import { createFakeStream, createManualClock } from '@lazarus/testing';
import {
  describeActionContract,
  describeLocksContract,
  describePreconditionContract,
  describeSensorContract,
} from '@lazarus/testing/contracts';
import { describe, expect, it } from 'vitest';
import { notDuringSale } from '../src/not-during-sale.ts';
import { definePurgeCache } from '../src/purge-cache.ts';

const runner = { describe, it, expect };
const purged = new Set<string>();
const cdn = { purge: async ({ key }: { readonly key: string }) => purged.add(key).size };

describeActionContract(runner, definePurgeCache(cdn), {
  create: () => {
    purged.clear();
    return { input: { zone: 'shop' }, refused: [{ zone: '' }], effects: () => purged.size };
  },
});

describePreconditionContract(runner, notDuringSale, {
  readsFleet: false,
  refused: [{ days: ['tomorrow'] }],
  passes: [{ title: 'a day like any other', params: { days: ['2026-11-27'] } }],
  fails: [{ title: 'the day of the sale', params: { days: ['2026-11-27'] }, now: '2026-11-27T12:00:00Z' }],
});

describeSensorContract(runner, {
  name: "a queue of one's own",
  create: async () => {
    const queue = createFakeStream({ clock: createManualClock() });
    return {
      sensor: queue,
      put: async (...payloads) => void payloads.map((payload) => queue.push(payload)),
      close: () => queue.close(),
    };
  },
});

describeLocksContract(runner, {
  name: "a store of one's own",
  ttlMs: 30_000,
  create: async () => {
    const clock = createManualClock();
    const locks = createMemoryLocks({ clock });
    return {
      nodes: [locks, locks],
      elapse: (ms) => clock.advance(ms),
      breakLock: async (target) => {
        await locks.breakLock(target);
      },
      close: () => locks.close(),
    };
  },
});
