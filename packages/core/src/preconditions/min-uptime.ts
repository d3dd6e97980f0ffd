import { z } from 'zod';
import { DurationSchema, formatDuration } from '../documents/duration.ts';
import { definePrecondition } from './define-precondition.ts';

/**
 * The host has been running for a while: replacing what has just been launched again and again repairs nothing.
 */
export const minUptime = definePrecondition({
  name: 'MinUptime',
  summary: 'The host was not launched just now.',
  params: z.strictObject({
    /** Shortest time since the launch. */
    uptime: DurationSchema.prefault('5m').describe('Shortest time since the launch, for example 5m'),
  }),
  mainParam: 'uptime',
  check: ({ target, params, clock }) => {
    if (target === undefined)
      return { verdict: 'fail', reason: 'the event names no host that the provider knows' };
    const uptimeMs = clock.now() - target.incarnation.launchedAtMs;
    const evidence = { uptime_ms: uptimeMs, minimum_ms: params.uptime };
    // NaN fails as well: an unknown launch time proves nothing.
    if (uptimeMs >= params.uptime) return { verdict: 'pass', evidence };
    return {
      verdict: 'fail',
      reason: `${target.name} was launched less than ${formatDuration(params.uptime)} ago`,
      evidence,
    };
  },
});
