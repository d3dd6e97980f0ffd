import { definePrecondition } from '@lazarus/core';
import { z } from 'zod';

/** A precondition of one's own: nothing is touched on the days on which the shop earns its money. */
export const notDuringSale = definePrecondition({
  name: 'NotDuringSale',
  summary: 'Today is no sale.',
  params: z.strictObject({
    days: z.array(z.iso.date()).max(100).default([]).describe('Days of sales, in UTC'),
  }),
  check: ({ params, clock }) => {
    const today = new Date(clock.now()).toISOString().slice(0, 10);
    if (!params.days.includes(today)) return { verdict: 'pass', evidence: { today } };
    return { verdict: 'fail', reason: `${today} is a sale`, evidence: { today } };
  },
});
