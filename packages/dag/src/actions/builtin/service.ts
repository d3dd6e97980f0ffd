import { z } from 'zod';
import { defineAction } from '../action.ts';
import { requiredPort } from '../required-port.ts';

/** Changes how many hosts a service is meant to have. Destructive: fewer hosts is less capacity, more cost money. */
export const serviceSetHosts = defineAction({
  name: 'service.set_hosts',
  version: 1,
  summary: 'Sets how many hosts a service is meant to have.',
  input: z.strictObject({ service: z.string().min(1), hosts: z.number().int().min(1).max(10_000) }),
  output: z.strictObject({ before: z.number().int(), hosts: z.number().int() }),
  requires: ['services'],
  destructive: true,
  touches: 'nothing',
  idempotent: true,
  undo: {
    uses: 'service.set_hosts@1',
    with: (input, output) => ({ service: input.service, hosts: output.before }),
  },
  dry: ({ service, hosts }) => ({
    summary: `sets ${service} to ${hosts} hosts`,
    changes: { service, hosts },
  }),
  run: async (input, context) => {
    const { before } = await requiredPort(context, 'services').setDesiredHosts({
      service: input.service,
      hosts: input.hosts,
      decisionId: context.run.runId,
      idempotencyKey: context.idempotencyKey,
      signal: context.signal,
    });
    return { before, hosts: input.hosts };
  },
});

/** Counts the hosts that serve now; made to be polled. */
export const serviceActiveHosts = defineAction({
  name: 'service.active_hosts',
  version: 1,
  summary: 'Counts the hosts of a service that serve now.',
  input: z.strictObject({ service: z.string().min(1) }),
  output: z.strictObject({ hosts: z.number().int() }),
  requires: ['services'],
  readOnly: true,
  dry: ({ service }) => ({ summary: `counts the hosts of ${service} that serve`, changes: {} }),
  run: async (input, context) => ({
    hosts: await requiredPort(context, 'services').activeHosts(input.service, { signal: context.signal }),
  }),
});
