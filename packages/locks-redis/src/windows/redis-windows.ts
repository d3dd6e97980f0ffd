import type { BreakerBounds } from '@lazarus/core/gates';
import { parseOptions } from '@lazarus/core/errors';
import { stepBreaker } from '@lazarus/core/gates';
import { type AgedObservation, createMemoryWindows, MemoryWindowsOptions } from '@lazarus/core/memory';
import type { Clock, Logger, Observation, Windows, WindowView } from '@lazarus/core/ports';
import type { z } from 'zod';
import type { SharedParts } from '../connection/batches.ts';
import type { RedisConnection } from '../connection/connect-redis.ts';
import { createKnowledge } from '../connection/knowledge.ts';
import { MARK_KNOWN } from '../connection/mark-known-script.ts';
import { entityName, fieldOfService, readCode } from './window-codes.ts';
import { REGION_KEYS, windowScripts } from './window-scripts.ts';

/** Windows that several processes share. */
export interface RedisWindows extends Windows {
  /**
   * Adds what this node knows was received before, and says that the store now knows it. Adding twice changes nothing, so
   * every node adds its own. An empty history is an answer, too. Keeps S7.
   *
   * @throws PortError `LZ_WINDOWS_UNAVAILABLE`.
   */
  hydrate(history: readonly AgedObservation[]): Promise<void>;
  /** Ends what runs in the background. */
  close(): Promise<void>;
}

const CODE = 'LZ_WINDOWS_UNAVAILABLE';
/** Above every bound; the machines of core count so what they had to refuse. */
const UNCOUNTABLE = Number.MAX_SAFE_INTEGER;
const OBSERVATIONS_PER_CALL = 100;
const PHASES = ['unknown', 'closed', 'open'] as const;

/**
 * Creates rolling windows and the breaker over a connection to Redis. An event costs one trip, with or without other
 * nodes. After every epoch the breaker is unknown, which suspends everything, until the grace is over and a node has added
 * its history (or this one has watched a whole window).
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 */
export function createRedisWindows(
  options: z.input<typeof MemoryWindowsOptions> & {
    readonly redis: RedisConnection;
    readonly clock: Clock;
    readonly log?: Logger;
    /** What this node knows was received before; asked for at every new epoch. */
    readonly history?: () => Promise<readonly AgedObservation[]>;
    /** Services that exist in a region, for `maxServicesFraction`; `undefined` when it is not known. */
    readonly knownServices?: (region: string) => number | undefined;
    /**
     * Thresholds in force, asked for at every look, as `createMemoryWindows` does. How long the breaker stays open at least is
     * part of the scripts and stays that of `breaker`. @defaultValue those of `breaker`
     */
    readonly thresholds?: () => BreakerBounds;
  },
): RedisWindows {
  const { redis, clock, log, history, knownServices, thresholds, ...rest } = options;
  const bounds = parseOptions('createRedisWindows', MemoryWindowsOptions, rest);
  const { windowMs } = bounds.breaker;
  const scripts = windowScripts(bounds);
  const knowledge = createKnowledge({ redis, clock, log, what: 'windows', history, add: hydrate });

  const regionKeys = (region: string): string[] =>
    REGION_KEYS.map((name) => `{${redis.prefix}}:win:${region}:${name}`);
  const boundsOf = (region: string): EffectiveBounds => {
    const inForce = thresholds?.() ?? bounds.breaker;
    const known = inForce.maxServicesFraction === undefined ? undefined : knownServices?.(region);
    return effectiveBounds(inForce, known);
  };
  const sharedOf = (region: string): SharedParts => ({
    keys: regionKeys(region),
    args: ({ windowsKnownFromMs }) => {
      const { maxServices, closeBelow } = boundsOf(region);
      return [maxServices, closeBelow, knowledge.ageMs() >= windowMs ? 0 : windowsKnownFromMs];
    },
    // Counting something late is right: it was received.
    mayBeLate: true,
  });
  const ask = (region: string, service: string, eventId: string, entity: string): Promise<Sight> =>
    redis.ask(scripts.observe, {
      code: CODE,
      group: region,
      shared: sharedOf,
      values: [eventId, fieldOfService(service), entityName(entity)],
      read: (reply) => {
        const [code, openForMs] = typeof reply === 'number' ? [reply, 0] : (reply as [number, number]);
        const { isFirst, phase, entities, services } = readCode(code);
        const { maxServices } = boundsOf(region);
        return {
          breaker: { state: PHASES[phase], services: countOf(services), maxServices, openForMs },
          entities: countOf(entities),
          windowMs,
          firstSeen: isFirst,
        };
      },
    });
  async function hydrate(past: readonly AgedObservation[]): Promise<void> {
    const replayed = createMemoryWindows({
      ...bounds,
      clock,
      history: past,
      // S7: whatever was in force when they were received, what holds now says whether they have opened it.
      thresholds: () => ({ ...(thresholds?.() ?? bounds.breaker), minOpenMs: bounds.breaker.minOpenMs }),
      ...(knownServices === undefined ? {} : { knownServices }),
    });
    for (const [region, observations] of Map.groupBy(past, (each) => each.region)) {
      const { breaker } = await replayed.view({ region, service: '' });
      const openForMs = breaker.state === 'open' ? Math.max(0, Math.round(breaker.openForMs)) : -1;
      for (let from = 0; from < observations.length; from += OBSERVATIONS_PER_CALL) {
        const some = observations.slice(from, from + OBSERVATIONS_PER_CALL);
        await redis.run(scripts.addHistory, {
          code: CODE,
          keys: regionKeys(region),
          args: [openForMs, ...some.flatMap(observationArgs)],
        });
      }
    }
    await redis.run(MARK_KNOWN, { code: CODE, keys: [], args: ['windows'] });
  }

  return {
    hydrate,
    observe: ({ eventId, region, service, entity }) => ask(region, service, eventId, entity),
    view: async ({ region, service }) => {
      const { firstSeen: _, ...view } = await ask(region, service, '', '');
      return view;
    },
    clearsInMs: async ({ region, service }, maxEntities) => {
      const args = [fieldOfService(service), maxEntities];
      const reply = await redis.run(scripts.clearsIn, { code: CODE, keys: regionKeys(region), args });
      const waitMs = Number(reply[2]);
      return waitMs < 0 ? undefined : waitMs;
    },
    close: () => knowledge.close(),
  };
}

type Sight = WindowView & { readonly firstSeen: boolean };

/** The two thresholds of the breaker as they hold now. */
interface EffectiveBounds {
  readonly maxServices: number;
  readonly closeBelow: number;
}

function countOf(count: number): number {
  return count < 0 ? UNCOUNTABLE : count;
}

function observationArgs({
  eventId,
  service,
  entity,
  ageMs,
}: Observation & AgedObservation): (string | number)[] {
  return [eventId, fieldOfService(service), entityName(entity), Math.round(ageMs)];
}

/** The two thresholds of the breaker, with a share of the known services worked in as the machine of core does it. */
function effectiveBounds(bounds: BreakerBounds, knownServices: number | undefined): EffectiveBounds {
  const nothing = { services: 0, knownServices, isWholeWindowKnown: false };
  const { maxServices } = stepBreaker(bounds, { phase: 'unknown', sinceMs: 0 }, nothing, 0).verdict;
  const wanted = bounds.closeBelow ?? Math.max(1, Math.ceil(bounds.maxServices / 2));
  return { maxServices, closeBelow: Math.min(wanted, maxServices + 1) };
}
