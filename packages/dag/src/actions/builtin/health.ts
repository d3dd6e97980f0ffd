import { PortError } from '@lazarus/core';
import { z } from 'zod';
import { defineAction } from '../action.ts';
import { requiredPort } from '../required-port.ts';

const output = z.strictObject({
  ok: z.boolean(),
  status: z.enum(['healthy', 'unhealthy', 'unreachable', 'unknown']),
  consecutive: z.number(),
  detail: z.string(),
});

/**
 * Probes a host's healthcheck once; made to be polled. It is `ok` after enough healthy probes in a row, so one lucky
 * answer never puts a host into service.
 */
export const healthcheckVerify = defineAction({
  name: 'healthcheck.verify',
  version: 1,
  summary: 'Probes the healthcheck of a host; ok after enough healthy answers in a row.',
  input: z.strictObject({
    host: z.string().min(1),
    /** @defaultValue 3 */
    consecutive_ok: z.number().int().min(1).max(100).default(3),
    /** @defaultValue 5000 */
    probe_timeout_ms: z.number().int().min(10).max(60_000).default(5_000),
  }),
  output,
  requires: ['hosts', 'probe'],
  readOnly: true,
  dry: ({ host, consecutive_ok: times }) => ({
    summary: `probes the healthcheck of ${host} until it is healthy ${times} times in a row`,
    changes: {},
  }),
  run: async (input, context): Promise<z.output<typeof output>> => {
    const { signal } = context;
    const host = await requiredPort(context, 'hosts').describe(input.host, { signal });
    if (host === undefined)
      return {
        ok: false,
        status: 'unknown',
        consecutive: 0,
        detail: 'the provider does not know the host yet',
      };
    if (host.state === 'terminated' || host.state === 'stopped') {
      throw new PortError({
        code: 'LZ_ACTUATOR_REFUSED',
        message: `host ${host.hostId} is ${host.state}, so it will not become healthy`,
        retryable: false,
      });
    }
    const report = await requiredPort(context, 'probe').probe(host, {
      timeoutMs: input.probe_timeout_ms,
      signal,
    });
    const before = output.safeParse(context.previous);
    const consecutive = report.status === 'healthy' ? (before.success ? before.data.consecutive : 0) + 1 : 0;
    return {
      ok: consecutive >= input.consecutive_ok,
      status: report.status,
      consecutive,
      detail: report.detail,
    };
  },
});
