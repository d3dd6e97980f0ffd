/**
 * Everything that is counted about one region: its failing services, the failing entities of each, the event ids that
 * were seen, and the breaker. A region's services and their entities share one window length, so a service's entities are
 * all forgotten when the service is.
 *
 * Invariants:
 * S7: what does not fit into memory makes its count uncountable, which is above every bound.
 * L5: services, entities and event ids are bounded each.
 */
import type { BreakerBounds, BreakerState } from '../circuit-breaker/breaker.ts';
import { stepBreaker } from '../circuit-breaker/breaker.ts';
import type { Observation, WindowView } from '../ports/windows.ts';
import type { FirstSight } from '../windows/first-sight.ts';
import { createFirstSight, seeId } from '../windows/first-sight.ts';
import type { RollingWindow } from '../windows/rolling-window.ts';
import {
  clearsInMs,
  countKeys,
  createRollingWindow,
  exportKeys,
  markOverflow,
  observeKey,
} from '../windows/rolling-window.ts';

/** Bounds of one region. */
export interface RegionBounds {
  readonly windowMs: number;
  readonly maxStoredServices: number;
  readonly maxStoredEntities: number;
  readonly maxStoredEntitiesPerService: number;
  readonly maxStoredEventIds: number;
}

/** State of one region; updated in place, one owner. */
export interface RegionWindows {
  readonly bounds: RegionBounds;
  readonly services: RollingWindow;
  readonly entitiesOf: Map<string, RollingWindow>;
  readonly sight: FirstSight;
  storedEntities: number;
  breaker: BreakerState;
  /** Drops what is stored about a service that left the window. */
  readonly forget: (service: string) => void;
}

/** What a region needs to know besides its own counts; thresholds are those in force, and may be others next time. */
export interface RegionKnowledge {
  readonly thresholds: BreakerBounds;
  readonly isWholeWindowKnown: boolean;
  readonly knownServices: number | undefined;
}

/** A region about which nothing is known yet. */
export function createRegionWindows(bounds: RegionBounds, nowMs: number): RegionWindows {
  const { windowMs } = bounds;
  const region: RegionWindows = {
    bounds,
    services: createRollingWindow({ windowMs, capacity: bounds.maxStoredServices }),
    entitiesOf: new Map(),
    sight: createFirstSight({ windowMs, capacity: bounds.maxStoredEventIds, nowMs }),
    storedEntities: 0,
    breaker: { phase: 'unknown', sinceMs: nowMs },
    forget: (service) => {
      region.storedEntities -= region.entitiesOf.get(service)?.size ?? 0;
      region.entitiesOf.delete(service);
    },
  };
  return region;
}

/** Counts one event, once per event id. */
export function countObservation(
  region: RegionWindows,
  observation: Omit<Observation, 'region'>,
  nowMs: number,
): { readonly firstSeen: boolean } {
  const { eventId, service, entity } = observation;
  if (seeId(region.sight, eventId, nowMs).verdict === 'repeated') return { firstSeen: false };
  if (observeKey(region.services, service, nowMs, region.forget)) {
    countEntity(region, service, entity, nowMs);
  }
  return { firstSeen: true };
}

/** Reads a service and its region, and lets the breaker move. */
export function viewRegion(
  region: RegionWindows,
  service: string,
  knowledge: RegionKnowledge,
  nowMs: number,
): WindowView {
  const services = countKeys(region.services, nowMs, region.forget);
  const { thresholds, knownServices, isWholeWindowKnown } = knowledge;
  const input = { services, knownServices, isWholeWindowKnown };
  const step = stepBreaker(thresholds, region.breaker, input, nowMs);
  region.breaker = step.state;
  return {
    breaker: step.verdict,
    entities: countEntities(region, service, nowMs),
    windowMs: region.bounds.windowMs,
  };
}

/** When a service has at most `max` failing entities left; see the port. */
export function serviceClearsInMs(
  region: RegionWindows,
  service: string,
  max: number,
  nowMs: number,
): number | undefined {
  const entities = region.entitiesOf.get(service);
  return entities === undefined ? 0 : clearsInMs(entities, max, nowMs);
}

/** The observations that still count, oldest first, without their event ids. */
export function exportRegion(
  region: RegionWindows,
  nowMs: number,
): readonly { readonly service: string; readonly entity: string; readonly ageMs: number }[] {
  const all = [...region.entitiesOf].flatMap(([service, entities]) =>
    exportKeys(entities, nowMs).map(({ key, ageMs }) => ({ service, entity: key, ageMs })),
  );
  return all.sort((left, right) => right.ageMs - left.ageMs);
}

/** What is forgotten while counting gives its room back to the region. */
function countEntities(region: RegionWindows, service: string, nowMs: number): number {
  const entities = region.entitiesOf.get(service);
  if (entities === undefined) return 0;
  const before = entities.size;
  const count = countKeys(entities, nowMs);
  region.storedEntities += entities.size - before;
  return count;
}

function countEntity(region: RegionWindows, service: string, entity: string, nowMs: number): void {
  let entities = region.entitiesOf.get(service);
  if (entities === undefined) {
    const { windowMs, maxStoredEntitiesPerService } = region.bounds;
    entities = createRollingWindow({ windowMs, capacity: maxStoredEntitiesPerService });
    region.entitiesOf.set(service, entities);
  }
  const before = entities.size;
  if (region.storedEntities >= region.bounds.maxStoredEntities) markOverflow(entities, nowMs);
  else observeKey(entities, entity, nowMs);
  region.storedEntities += entities.size - before;
}
