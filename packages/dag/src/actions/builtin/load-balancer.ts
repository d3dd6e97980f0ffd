import { z } from 'zod';
import { defineAction } from '../action.ts';
import type { ActionContext } from '../action.ts';
import { requiredPort } from '../required-port.ts';

const host = z.string().min(1);
const groups = z.strictObject({ groups: z.array(z.string()) });

const call = (context: ActionContext, hostId: string) => ({
  hostId,
  decisionId: context.run.runId,
  idempotencyKey: context.idempotencyKey,
  signal: context.signal,
});

/** Takes a host out of service. Destructive: it takes capacity away. */
export const loadBalancerRemove = defineAction({
  name: 'lb.remove',
  version: 1,
  summary: 'Takes a host out of every target group it is in.',
  input: z.strictObject({ host }),
  output: groups,
  requires: ['loadBalancer'],
  destructive: true,
  touches: 'exit',
  idempotent: true,
  undo: { uses: 'lb.add@1', with: (input) => ({ host: input.host }) },
  dry: ({ host: id }) => ({
    summary: `takes ${id} out of the load balancer`,
    changes: { host: id, in_service: false },
  }),
  run: async (input, context) => {
    const removed = await requiredPort(context, 'loadBalancer').remove(call(context, input.host));
    return { groups: [...removed.groups] };
  },
});

/** Puts a host into service. */
export const loadBalancerAdd = defineAction({
  name: 'lb.add',
  version: 1,
  summary: 'Puts a host into the target groups of its service.',
  input: z.strictObject({ host }),
  output: groups,
  requires: ['loadBalancer'],
  touches: 'entry',
  idempotent: true,
  undo: { uses: 'lb.remove@1', with: (input) => ({ host: input.host }) },
  dry: ({ host: id }) => ({
    summary: `puts ${id} into the load balancer`,
    changes: { host: id, in_service: true },
  }),
  run: async (input, context) => {
    const added = await requiredPort(context, 'loadBalancer').add(call(context, input.host));
    return { groups: [...added.groups] };
  },
});

/** Looks whether traffic reaches a host; made to be polled. */
export const loadBalancerStatus = defineAction({
  name: 'lb.status',
  version: 1,
  summary: 'Tells whether the load balancer sends traffic to a host.',
  input: z.strictObject({ host }),
  output: z.strictObject({
    status: z.enum(['healthy', 'unhealthy', 'initial', 'draining', 'unused']),
    in_service: z.boolean(),
  }),
  requires: ['loadBalancer'],
  readOnly: true,
  dry: ({ host: id }) => ({ summary: `asks the load balancer about ${id}`, changes: {} }),
  run: async (input, context) => {
    const status = await requiredPort(context, 'loadBalancer').status(input.host, { signal: context.signal });
    return { status, in_service: status === 'healthy' };
  },
});
