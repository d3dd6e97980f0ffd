import { z } from 'zod';
import { definePrecondition } from './define-precondition.ts';
import { isTarget, readInventory } from './inventory.ts';

/**
 * Enough capacity is left while the failed host is replaced: active hosts, not counting the failed one and without those
 * that are being removed, are at least the minimum. Keeps S5.
 *
 * @remarks Source: Lazarus post, MinActiveHosts; that the failed host does not count is ours.
 */
export const minActiveHosts = definePrecondition({
  name: 'MinActiveHosts',
  summary: 'Enough active hosts remain, not counting the failed one.',
  params: z.strictObject({
    /** Fewest active hosts. */
    minimum: z.int().min(0).max(100_000).describe('Fewest active hosts, the failed one not counted'),
  }),
  mainParam: 'minimum',
  check: async (context) => {
    const read = await readInventory(context);
    if (!read.ok) return read.verdict;
    const { inventory } = read;
    const active = inventory.active.filter((host) => !isTarget(host, inventory)).length;
    const { minimum } = context.params;
    const evidence = { active, minimum, removing: inventory.removing.length };
    if (active >= minimum) return { verdict: 'pass', evidence };
    return {
      verdict: 'fail',
      reason: `${active} other hosts are active, at least ${minimum} are needed`,
      evidence,
    };
  },
});
