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
  /** It can take and record events. */
  ready: z.boolean(),
  /** It can act on them, too. */
  acts: z.boolean(),
  node: z.object({ name: z.string(), region: z.string(), zone: z.string().optional(), version: z.string() }),
  checks: z.array(
    z.object({
      name: z.string(),
      needed_for: z.enum(['intake', 'acting']),
      ok: z.boolean(),
      /** It works, with nothing to spare. */
      degraded: z.literal(true).optional(),
      detail: z.string(),
      duration_ms: z.number(),
    }),
  ),
});

/** What {@link healthEndpoints} look at. */
interface HealthPorts {
  readonly clock: Clock;
  readonly node: NodeInfo;
  readonly checks: readonly ReadinessCheck[];
}

/**
 * `GET /livez`, `GET /readyz` and `GET /readyz/act`: whether to restart the node, whether to send it events, and whether it
 * can act on them. A load balancer follows the second one: what a node without quorum or without the shared state is sent
 * is still counted, recorded and left to people. Keeps S11.
 */
export function healthEndpoints(ports: HealthPorts): readonly Endpoint[] {
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
    readyEndpoint(ports, {
      path: '/readyz',
      summary: 'The node can take and record events; what a load balancer asks',
      description:
        'Status 503 with the same body while a check that is `needed_for` `intake` fails. What is needed for `acting` is in the body and does not count here: events must arrive, be counted and recorded also while nothing is done. A check that takes longer than 2 s fails.',
      status: ({ ready }) => ready,
    }),
    readyEndpoint(ports, {
      path: '/readyz/act',
      summary: 'The node can also act on events; what monitoring asks',
      description: 'The same body; status 503 while any check fails.',
      status: ({ acts }) => acts,
    }),
  ];
}

function readyEndpoint(
  { clock, node, checks }: HealthPorts,
  options: {
    readonly path: string;
    readonly summary: string;
    readonly description: string;
    readonly status: (answer: { readonly ready: boolean; readonly acts: boolean }) => boolean;
  },
): Endpoint {
  const { status, ...described } = options;
  return {
    method: 'get',
    ...described,
    answer: {
      mediaType: 'application/json',
      description: 'Every check with its result',
      schema: ReadySchema,
    },
    handle: async (context) => {
      const results = await runReadinessChecks(checks, { clock, timeoutMs: CHECK_TIMEOUT_MS });
      const ready = results.every(({ ok, needed_for: neededFor }) => ok || neededFor === 'acting');
      const acts = results.every(({ ok }) => ok);
      return context.json({ ready, acts, node, checks: results }, status({ ready, acts }) ? 200 : 503);
    },
  };
}
