import type { Ids } from '@lazarus/core/ports';

/** Ids that people can read in a failed test: `evt-1`, `evt-2`; each prefix counts for itself. */
export function createSequentialIds(): Ids {
  const counters = new Map<string, number>();
  return {
    next: (prefix = 'id') => {
      const count = (counters.get(prefix) ?? 0) + 1;
      counters.set(prefix, count);
      return `${prefix}-${count}`;
    },
  };
}
