import { z } from 'zod';
import { definePrecondition } from './define-precondition.ts';
import { readInventory } from './inventory.ts';

/**
 * There is room for one more host: active hosts and those being launched are fewer than the maximum, because cloning adds
 * one before the failed one leaves.
 *
 * @remarks Source: Lazarus post, MaxActiveHosts. It has no default: a profile or service must give it.
 */
export const maxActiveHosts = definePrecondition({
  name: 'MaxActiveHosts',
  summary: 'There is room for one more host.',
  params: z.strictObject({
    /** Most active hosts. */
    maximum: z.int().min(1).max(100_000).describe('Most active hosts, those being launched included'),
  }),
  mainParam: 'maximum',
  check: async (context) => {
    const read = await readInventory(context);
    if (!read.ok) return read.verdict;
    const active = read.inventory.active.length;
    const launching = read.inventory.launching.length;
    const { maximum } = context.params;
    const evidence = { active, launching, maximum };
    if (active + launching < maximum) return { verdict: 'pass', evidence };
    const reason = `${active} hosts are active and ${launching} are being launched, the maximum is ${maximum}`;
    return { verdict: 'fail', reason, evidence };
  },
});
