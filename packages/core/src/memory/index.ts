export { createLocalRing, type LocalRingPorts } from './local-ring.ts';
export { type AuditEntry, createMemoryAudit, MemoryAuditOptions } from './memory-audit.ts';
export { type AgedReservation, createMemoryBudgets, type MemoryBudgets } from './memory-budgets.ts';
export { createMemoryLocks, type MemoryLocks, MemoryLocksOptions } from './memory-locks.ts';
export { createMemoryPauses } from './memory-pauses.ts';
export { createMemoryRolloutStore } from './memory-rollout-store.ts';
export {
  type AgedObservation,
  createMemoryWindows,
  type MemoryWindows,
  MemoryWindowsOptions,
} from './memory-windows.ts';
