import { z } from 'zod';
import type { BreakerBounds } from '../circuit-breaker/breaker.ts';
import { BreakerOptions } from '../circuit-breaker/breaker.ts';
import { parseOptions } from '../errors/parse-options.ts';
import type { Clock } from '../ports/clock.ts';
import type { Observation, Windows } from '../ports/windows.ts';
import { seeId } from '../windows/first-sight.ts';
import type { RegionBounds, RegionKnowledge, RegionWindows } from './region-windows.ts';
import {
  countObservation,
  createRegionWindows,
  exportRegion,
  serviceClearsInMs,
  viewRegion,
} from './region-windows.ts';

const stored = (value: number) => z.int().min(1).max(10_000_000).default(value);

/** Options of {@link createMemoryWindows}. */
export const MemoryWindowsOptions = z.strictObject({
  /** Window length and first thresholds of the region's breaker; entities are counted over the same window. */
  breaker: BreakerOptions.prefault({}),
  /** Most failing services stored per region. @defaultValue 50 000 */
  maxStoredServices: stored(50_000),
  /** Most failing entities stored per region. @defaultValue 200 000 */
  maxStoredEntities: stored(200_000),
  /** Most failing entities stored per service; must be above every rule's `maxEntities`. @defaultValue 4096 */
  maxStoredEntitiesPerService: stored(4_096),
  /** Most event ids per generation of the deduplication. @defaultValue 200 000 */
  maxStoredEventIds: stored(200_000),
});

/** An observation from before this process started. */
export interface AgedObservation extends Observation {
  /** How long ago it was received, milliseconds; below 0, because the clock was ahead then, counts as 0. */
  readonly ageMs: number;
}

/** Windows within one process. */
export interface MemoryWindows extends Windows {
  /**
   * Replays what was received before this process started, so that counts, the breaker and its hysteresis survive a
   * restart. An empty history is an answer, too: it ends the unknown state. Can be called again; every event id counts
   * once. Keeps S7.
   */
  hydrate(history: readonly AgedObservation[]): void;
}

/**
 * Creates rolling windows for the nodes of one process. Until {@link MemoryWindows.hydrate} was called (or `history` was
 * passed), or a whole window was watched, the breaker is unknown, which suspends everything.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 */
export function createMemoryWindows(
  options: z.input<typeof MemoryWindowsOptions> & {
    readonly clock: Pick<Clock, 'monotonic'>;
    /** What was received before; an empty array says that nothing is known to have failed. */
    readonly history?: readonly AgedObservation[];
    /** Services that exist in a region, for `maxServicesFraction`; `undefined` when it is not known. */
    readonly knownServices?: (region: string) => number | undefined;
    /**
     * Thresholds in force, asked for at every look: a configuration that is loaded later holds from the next event on, and
     * an open breaker stays open until they let it close. @defaultValue those of `breaker`
     */
    readonly thresholds?: () => BreakerBounds;
  },
): MemoryWindows {
  const { clock, history, knownServices, thresholds, ...rest } = options;
  const { breaker, ...stored } = parseOptions('createMemoryWindows', MemoryWindowsOptions, rest);
  const bounds: RegionBounds = { windowMs: breaker.windowMs, ...stored };
  const startedAtMs = clock.monotonic();
  const regions = new Map<string, RegionWindows>();
  let isHydrated = false;

  const regionOf = (name: string, nowMs: number): RegionWindows => {
    const known = regions.get(name);
    if (known !== undefined) return known;
    const region = createRegionWindows(bounds, nowMs);
    regions.set(name, region);
    return region;
  };
  const knowledgeOf = (region: string, nowMs: number): RegionKnowledge => ({
    thresholds: thresholds?.() ?? breaker,
    isWholeWindowKnown: isHydrated || nowMs - startedAtMs >= bounds.windowMs,
    knownServices: knownServices?.(region),
  });
  const hydrate = (past: readonly AgedObservation[]): void => {
    const nowMs = clock.monotonic();
    const live = new Map(regions);
    regions.clear();
    isHydrated = true;
    for (const [name, region] of replay([...past, ...observationsOf(live, nowMs)], nowMs))
      regions.set(name, region);
    for (const [name, region] of live) carryOver(region, regionOf(name, nowMs), nowMs);
  };
  const replay = (observations: readonly AgedObservation[], nowMs: number): Map<string, RegionWindows> => {
    const replayed = new Map<string, RegionWindows>();
    const oldestFirst = [...observations].sort((left, right) => right.ageMs - left.ageMs);
    for (const observation of oldestFirst) {
      const atMs = nowMs - Math.max(0, observation.ageMs);
      const region = replayed.get(observation.region) ?? createRegionWindows(bounds, atMs);
      replayed.set(observation.region, region);
      countObservation(region, observation, atMs);
      viewRegion(region, observation.service, knowledgeOf(observation.region, nowMs), atMs);
    }
    return replayed;
  };
  if (history !== undefined) hydrate(history);

  return {
    hydrate,
    observe: (observation) => {
      const { region: name, service } = observation;
      const nowMs = clock.monotonic();
      const region = regionOf(name, nowMs);
      const { firstSeen } = countObservation(region, observation, nowMs);
      const view = viewRegion(region, service, knowledgeOf(name, nowMs), nowMs);
      const { entities, windowMs } = view;
      return { breaker: view.breaker, entities, windowMs, firstSeen };
    },
    view: ({ region: name, service }) => {
      const nowMs = clock.monotonic();
      return viewRegion(regionOf(name, nowMs), service, knowledgeOf(name, nowMs), nowMs);
    },
    clearsInMs: ({ region: name, service }, maxEntities) => {
      const nowMs = clock.monotonic();
      return serviceClearsInMs(regionOf(name, nowMs), service, maxEntities, nowMs);
    },
  };
}

/** What was counted since the process started, under ids that no sensor can send. */
function observationsOf(regions: ReadonlyMap<string, RegionWindows>, nowMs: number): AgedObservation[] {
  return [...regions].flatMap(([name, region]) =>
    exportRegion(region, nowMs).map((each, index) => ({
      ...each,
      region: name,
      eventId: `\u0000live/${name}/${index}`,
    })),
  );
}

/** Ids that were seen, and a breaker that is open, stay so. */
function carryOver(from: RegionWindows, to: RegionWindows, nowMs: number): void {
  for (const id of [...from.sight.previous, ...from.sight.current]) seeId(to.sight, id, nowMs);
  if (from.breaker.phase === 'open' && to.breaker.phase !== 'open') to.breaker = from.breaker;
}
