import type { z } from 'zod';
import { parseOptions } from '../errors/parse-options.ts';
import type { Clock } from '../ports/clock.ts';
import type { BreakerView } from '../ports/windows.ts';
import { countKeys, createRollingWindow, observeKey } from '../windows/rolling-window.ts';
import type { BreakerState } from './breaker.ts';
import { BreakerOptions, stepBreaker } from './breaker.ts';

/** Most services stored; with more failing at once the breaker is open anyway. */
const MAX_STORED = 100_000;

/** The region's circuit breaker on its own, for a program that wants nothing else of Lazarus. */
export interface CircuitBreaker {
  /** Counts one failing service and says what the breaker is now. */
  observe(service: string): BreakerView;
  /** Looks without counting. */
  view(): BreakerView;
}

/**
 * Creates a breaker for one region. It starts closed: the caller knows that nothing failed before, or does not mind. A
 * breaker that survives restarts is part of `createMemoryWindows`.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 */
export function createCircuitBreaker(
  options: z.input<typeof BreakerOptions>,
  ports: { readonly clock: Pick<Clock, 'monotonic'>; readonly knownServices?: () => number | undefined },
): CircuitBreaker {
  const bounds = parseOptions('createCircuitBreaker', BreakerOptions, options);
  const failing = createRollingWindow({ windowMs: bounds.windowMs, capacity: MAX_STORED });
  let state: BreakerState = { phase: 'closed', sinceMs: ports.clock.monotonic() };

  const view = (): BreakerView => {
    const nowMs = ports.clock.monotonic();
    const input = {
      services: countKeys(failing, nowMs),
      knownServices: ports.knownServices?.(),
      isWholeWindowKnown: true,
    };
    const step = stepBreaker(bounds, state, input, nowMs);
    state = step.state;
    return step.verdict;
  };
  return {
    observe: (service) => {
      observeKey(failing, service, ports.clock.monotonic());
      return view();
    },
    view,
  };
}
