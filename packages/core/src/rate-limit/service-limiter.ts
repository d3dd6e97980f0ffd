import type { z } from 'zod';
import { parseOptions } from '../errors/parse-options.ts';
import type { Clock } from '../ports/clock.ts';
import type { Verdict } from '../preconditions/precondition.ts';
import type { RollingWindow } from '../windows/rolling-window.ts';
import { createLimiterState, LimiterOptions, stepLimiter } from './limiter.ts';

/** Most failing services at a time; one more cannot be counted, so it may not be acted on. */
const MAX_SERVICES = 100_000;

/** A new service pays for looking at this many old ones: more are forgotten than come. */
const SWEPT_PER_EVENT = 4;

const OUT_OF_ROOM: Verdict = { verdict: 'fail', reason: `more than ${MAX_SERVICES} services are failing` };

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
  const states = new Map<string, RollingWindow>();
  let sweep = states.entries();

  /** Looks at a few services each time, so that idle ones are forgotten without a timer and without a pause. */
  const forgetSomeIdle = (nowMs: number): void => {
    for (let looked = 0; looked < SWEPT_PER_EVENT; looked += 1) {
      const next = sweep.next();
      if (next.done === true) {
        sweep = states.entries();
        return;
      }
      const [service, state] = next.value;
      if (nowMs - (state.newest?.lastSeenMs ?? -Infinity) >= bounds.windowMs) states.delete(service);
    }
  };
  const stateOf = (service: string, nowMs: number): RollingWindow | undefined => {
    const known = states.get(service);
    if (known !== undefined) return known;
    forgetSomeIdle(nowMs);
    if (states.size >= MAX_SERVICES) return undefined;
    const state = createLimiterState(bounds);
    states.set(service, state);
    return state;
  };
  const observe = (service: string, entity: string, hosts: number | undefined): Verdict => {
    const nowMs = ports.clock.monotonic();
    const state = stateOf(service, nowMs);
    if (state === undefined) return OUT_OF_ROOM;
    return stepLimiter(bounds, state, { entity, knownHosts: hosts }, nowMs).verdict;
  };
  const view = (service: string, hosts: number | undefined): Verdict => {
    const state = states.get(service) ?? createLimiterState(bounds);
    return stepLimiter(bounds, state, { knownHosts: hosts }, ports.clock.monotonic()).verdict;
  };

  return {
    observe: (service, entity, known) => observe(service, entity, known?.hosts),
    view: (service, known) => view(service, known?.hosts),
    get services() {
      return states.size;
    },
  };
}
