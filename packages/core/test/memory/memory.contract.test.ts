import {
  createMemoryAudit,
  createMemoryBudgets,
  createMemoryLocks,
  createMemoryPauses,
  createMemoryRolloutStore,
  createMemoryWindows,
} from '@lazarus/core/memory';
import { createManualClock } from '@lazarus/testing';
import {
  describeAuditContract,
  describeBudgetsContract,
  describeLocksContract,
  describePausesContract,
  describeRolloutStoreContract,
  describeWindowsContract,
} from '@lazarus/testing/contracts';
import { describe, expect, it } from 'vitest';

const runner = { describe, it, expect };

describeAuditContract(runner, {
  name: 'memory',
  create: async () => ({ log: createMemoryAudit(), close: async () => {} }),
});

describeLocksContract(runner, {
  name: 'memory',
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
      close: async () => {
        await locks.close();
        await clock.settle();
        expect(clock.pending).toBe(0);
      },
    };
  },
});

describeWindowsContract(runner, {
  name: 'memory',
  windowMs: 600_000,
  tickMs: 1_000,
  create: async (breaker) => {
    const clock = createManualClock();
    const windows = createMemoryWindows({ clock, breaker, history: [] });
    return {
      nodes: [windows, windows],
      addHistory: async (past) => windows.hydrate(past),
      elapse: (ms) => clock.advance(ms),
      close: async () => {},
    };
  },
});

describeBudgetsContract(runner, {
  name: 'memory',
  hourMs: 3_600_000,
  create: async (hourMs) => {
    const clock = createManualClock();
    const budgets = createMemoryBudgets({ clock, hourMs, history: [] });
    return { nodes: [budgets, budgets], elapse: (ms) => clock.advance(ms), close: async () => {} };
  },
});

describeRolloutStoreContract(runner, {
  name: 'memory',
  create: async () => {
    const store = createMemoryRolloutStore();
    return { nodes: [store, store], close: async () => {} };
  },
});

describePausesContract(runner, {
  name: 'memory',
  tickMs: 1_000,
  create: async () => {
    const clock = createManualClock();
    const pauses = createMemoryPauses({ clock });
    return {
      nodes: [pauses, pauses],
      now: () => clock.now(),
      elapse: (ms) => clock.advance(ms),
      close: async () => {},
    };
  },
});
