import type { z } from 'zod';
import { parseOptions } from '../errors/parse-options.ts';
import type { Clock } from '../ports/clock.ts';
import type { Verdict } from '../preconditions/precondition.ts';
import type { RollingWindow } from '../windows/rolling-window.ts';
import { createLimiterState, LimiterOptions, stepLimiter } from './limiter.ts';

/** The service limit on its own, for a program that wants nothing else of Lazarus. */
export interface ServiceLimiter {
  /** Counts one failing entity and says whether the service may still be acted on. */
  observe(service: string, entity: string, known?: { readonly hosts: number }): Verdict;
  /** Looks without counting. */
  view(service: string, known?: { readonly hosts: number }): Verdict;
  /** Services that have a window now. */
  readonly services: number;
}

/**
 * Creates a limiter over all services of a region. Services without a failure in the last window are forgotten.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 * @example
 * ```ts
 * const limiter = createServiceLimiter({ maxEntities: 2 }, { clock: createSystemClock() });
 * limiter.observe('web', 'web-1').verdict; // 'pass'
 * ```
 */
export function createServiceLimiter(
  options: z.input<typeof LimiterOptions>,
  ports: { readonly clock: Pick<Clock, 'monotonic'> },
): ServiceLimiter {
  const bounds = parseOptions('createServiceLimiter', LimiterOptions, options);
  /** In the order of the last observation, so that idle services are found at the front. */
  const states = new Map<string, RollingWindow>();

  const forgetIdle = (nowMs: number): void => {
    for (const [service, state] of states) {
      if (nowMs - (state.newest?.lastSeenMs ?? -Infinity) < bounds.windowMs) return;
      states.delete(service);
    }
  };
  const step = (service: string, entity: string | undefined, hosts: number | undefined): Verdict => {
    const nowMs = ports.clock.monotonic();
    const state = states.get(service) ?? createLimiterState(bounds);
    const input = { knownHosts: hosts, ...(entity === undefined ? {} : { entity }) };
    const { verdict } = stepLimiter(bounds, state, input, nowMs);
    if (entity !== undefined) {
      forgetIdle(nowMs);
      states.delete(service);
      states.set(service, state);
    }
    return verdict;
  };

  return {
    observe: (service, entity, known) => step(service, entity, known?.hosts),
    view: (service, known) => step(service, undefined, known?.hosts),
    get services() {
      return states.size;
    },
  };
}
