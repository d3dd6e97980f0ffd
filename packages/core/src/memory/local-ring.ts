/**
 * A second opinion on what the nodes share: each node also counts what it received itself, and the more cautious of the two
 * views counts. When the shared store forgets, answers from the past or was cleared by hand, the node that sees the storm
 * still stops.
 *
 * Invariants:
 * S7: neither view can loosen the other: a count is the higher of both, the breaker is open when either is.
 *
 * The node's own counts say nothing about what came before it started, or to other nodes: of the two only the shared view
 * can be unknown.
 */
import type { z } from 'zod';
import type { BreakerBounds } from '../circuit-breaker/breaker.ts';
import type { Clock } from '../ports/clock.ts';
import type { BreakerView, CountedView, Windows, WindowView } from '../ports/windows.ts';
import { createMemoryWindows } from './memory-windows.ts';
import type { AgedObservation, MemoryWindowsOptions } from './memory-windows.ts';

/** What {@link createLocalRing} is made of. */
export interface LocalRingPorts {
  /** The windows that all nodes share. */
  readonly shared: Windows;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** What this node received before it started, when it is known: its ring then goes on where it was. */
  readonly history?: readonly AgedObservation[];
  /** Services that exist in a region, for `maxServicesFraction`. */
  readonly knownServices?: (region: string) => number | undefined;
  /** Thresholds in force, when they can change; see `createMemoryWindows`. */
  readonly thresholds?: () => BreakerBounds;
}

/**
 * Puts a ring of this node's own beside the shared windows; pass the result on in place of the shared ones. The bounds must
 * be those of the shared windows. When the shared store is away, so is the answer: what cannot be known counts as open.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 * @example
 * ```ts
 * const windows = createLocalRing({ breaker }, { shared: createRedisWindows(redisOptions), clock });
 * ```
 */
export function createLocalRing(
  options: z.input<typeof MemoryWindowsOptions>,
  ports: LocalRingPorts,
): Windows {
  const { shared, clock, history, knownServices, thresholds } = ports;
  const own = createMemoryWindows({
    ...options,
    clock,
    history: history ?? [],
    ...(knownServices === undefined ? {} : { knownServices }),
    ...(thresholds === undefined ? {} : { thresholds }),
  });
  return {
    observe: async (observation) => {
      // First: an event counts here, too, while the shared store does not answer.
      const local = await own.observe(observation);
      const common = await shared.observe(observation);
      return { ...joinViews(common, local), firstSeen: common.firstSeen };
    },
    view: async (scope) => {
      const local = await own.view(scope);
      return joinViews(await shared.view(scope), local);
    },
    clearsInMs: async (scope, maxEntities) => {
      const local = await own.clearsInMs?.(scope, maxEntities);
      const common = await shared.clearsInMs?.(scope, maxEntities);
      // It goes on when both views let it, which nobody can say when one of them cannot.
      return local === undefined || common === undefined ? undefined : Math.max(local, common);
    },
  };
}

/** The more cautious of two views, with what each of them counted. */
function joinViews(shared: WindowView, local: WindowView): WindowView {
  return {
    breaker: joinBreakers(shared.breaker, local.breaker),
    entities: Math.max(shared.entities, local.entities),
    windowMs: shared.windowMs,
    counted: { shared: countsOf(shared), local: countsOf(local) },
  };
}

function joinBreakers(shared: BreakerView, local: BreakerView): BreakerView {
  const isOpen = shared.state === 'open' || local.state === 'open';
  const openForMs = local.state === 'open' ? Math.max(shared.openForMs, local.openForMs) : shared.openForMs;
  return {
    state: isOpen ? 'open' : shared.state,
    services: Math.max(shared.services, local.services),
    maxServices: Math.min(shared.maxServices, local.maxServices),
    openForMs,
  };
}

function countsOf({ breaker, entities }: WindowView): CountedView {
  return { entities, services: breaker.services, breaker: breaker.state };
}
