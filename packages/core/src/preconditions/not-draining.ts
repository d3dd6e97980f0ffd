import { z } from 'zod';
import { definePrecondition } from './define-precondition.ts';

/**
 * Nobody is taking the host out of service on purpose: it is not being launched, removed or examined, and does not carry
 * the tag by which people and other tools say that they drain it.
 */
export const notDraining = definePrecondition({
  name: 'NotDraining',
  summary: 'Nobody is taking the host out of service on purpose.',
  params: z.strictObject({
    /** Tag that marks a host as draining; any value but `false` counts. */
    tag: z.string().min(1).max(128).default('lazarus:draining').describe('Tag that marks a host as draining'),
  }),
  mainParam: 'tag',
  check: ({ target, params }) => {
    if (target === undefined)
      return { verdict: 'fail', reason: 'the event names no host that the provider knows' };
    const tag = target.tags[params.tag];
    const evidence = { lifecycle: target.lifecycle, state: target.state, tag: tag ?? null };
    if (target.lifecycle !== 'active')
      return { verdict: 'fail', reason: `${target.name} is in lifecycle ${target.lifecycle}`, evidence };
    if (tag !== undefined && tag !== 'false')
      return { verdict: 'fail', reason: `${target.name} carries the tag ${params.tag}`, evidence };
    return { verdict: 'pass', evidence };
  },
});
