import { z } from 'zod';
import { definePrecondition } from './define-precondition.ts';
import { requiring } from './quorum-requirement.ts';

/**
 * The host is unhealthy or unreachable from this node's zone. That is one node's part; the evidence carries what the
 * ballot as a whole must show: a positive answer from the node in the host's own zone (else a partition between zones
 * replaces healthy hosts), and from `agree` nodes. Keeps S2.
 *
 * @remarks Source: Lazarus post, HealthCheckDown from three availability zones; the own-zone rule is a result of our
 * model: 84 wrong replacements per partition without it, none with it.
 */
export const healthCheckDown = definePrecondition({
  name: 'HealthCheckDown',
  aliases: ['HealthcheckDown'],
  summary: 'The host is unhealthy or unreachable, also from its own zone.',
  params: z.strictObject({
    /** Nodes that must see it down; by default as many as the quorum needs. */
    agree: z.int().min(1).max(9).optional().describe('Nodes that must see the host down'),
    /** `optional` only where no node runs in the zones of the hosts, for example a lone node. */
    own_zone: z
      .enum(['required', 'optional'])
      .default('required')
      .describe("Whether the node in the host's own zone must see it down"),
  }),
  usesProbe: true,
  check: async ({ target, params, probe, zone }) => {
    if (target === undefined)
      return { verdict: 'fail', reason: 'the event names no host that the provider knows' };
    const requires = requiring({
      ...(params.own_zone === 'required' ? { zone: target.zone } : {}),
      ...(params.agree === undefined ? {} : { agree: params.agree }),
    });
    // Not knowing where to ask is no evidence that the host is down.
    if (target.healthUrl === undefined) {
      return { verdict: 'fail', reason: `${target.name} has no healthcheck URL`, evidence: requires };
    }
    const { status, latencyMs, detail } = await probe(target);
    const evidence = {
      ...requires,
      from_zone: zone,
      host_zone: target.zone,
      status,
      latency_ms: latencyMs,
      detail,
    };
    if (status === 'unhealthy' || status === 'unreachable') return { verdict: 'pass', evidence };
    return { verdict: 'fail', reason: `${target.name} is healthy from ${zone}`, evidence };
  },
});
