import { z } from '@hono/zod-openapi';
import type { Clock } from '@lazarus/core/ports';
import type { Endpoint } from '../endpoint.ts';
import { runReadinessChecks } from '../health/readiness.ts';
import type { ReadinessCheck } from '../health/readiness.ts';

/** Longest wait for one readiness check, milliseconds. */
const CHECK_TIMEOUT_MS = 2_000;

/** Who answers. */
export interface NodeInfo {
  readonly name: string;
  readonly region: string;
  readonly zone?: string | undefined;
  readonly version: string;
}

const ReadySchema = z.object({
  ready: z.boolean(),
  node: z.object({ name: z.string(), region: z.string(), zone: z.string().optional(), version: z.string() }),
  checks: z.array(
    z.object({ name: z.string(), ok: z.boolean(), detail: z.string(), duration_ms: z.number() }),
  ),
});

/** `GET /livez` and `GET /readyz`: whether to restart the node, and whether to send it work. */
export function healthEndpoints(ports: {
  readonly clock: Clock;
  readonly node: NodeInfo;
  readonly checks: readonly ReadinessCheck[];
}): readonly Endpoint[] {
  return [
    {
      method: 'get',
      path: '/livez',
      summary: 'The process answers',
      answer: {
        mediaType: 'application/json',
        description: 'It does',
        schema: z.object({ live: z.literal(true) }),
      },
      handle: (context) => context.json({ live: true }),
    },
    {
      method: 'get',
      path: '/readyz',
      summary: 'Everything the node needs is there',
      description:
        'Status 503 with the same body while a check fails. A check that takes longer than 2 s fails.',
      answer: {
        mediaType: 'application/json',
        description: 'Every check with its result',
        schema: ReadySchema,
      },
      handle: async (context) => {
        const checks = await runReadinessChecks(ports.checks, {
          clock: ports.clock,
          timeoutMs: CHECK_TIMEOUT_MS,
        });
        const ready = checks.every(({ ok }) => ok);
        return context.json({ ready, node: ports.node, checks }, ready ? 200 : 503);
      },
    },
  ];
}
