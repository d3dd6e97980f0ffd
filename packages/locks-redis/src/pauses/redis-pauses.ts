import { createHash } from 'node:crypto';
import { describeError, PortError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import { PauseSchema } from '@lazarus/core/gates';
import { createMemoryPauses } from '@lazarus/core/memory';
import type { Clock, Logger, Pause, Pauses } from '@lazarus/core/ports';
import { z } from 'zod';
import type { RedisConnection, ScriptReply } from '../connection/connect-redis.ts';
import { createKnowledge } from '../connection/knowledge.ts';
import { MARK_KNOWN } from '../connection/mark-known-script.ts';
import { CLEAR, LIST, SET } from './pause-scripts.ts';

/** Options of {@link createRedisPauses}. */
export const RedisPausesOptions = z.strictObject({
  /**
   * For how long an answer may be given again without asking, milliseconds, so that a pause takes effect everywhere within
   * 2 s. An error is never answered from memory. @defaultValue 0
   */
  cacheMs: z.int().min(0).max(1_000).default(0),
});

/** Pauses that several processes share. */
export interface RedisPauses extends Pauses {
  /** Ends what runs in the background. */
  close(): Promise<void>;
}

const CODE = 'LZ_PAUSE_UNAVAILABLE';
/** Most pauses at a time; one more is refused, because somebody's program is running wild. */
const MAX_PAUSES = 1_000;

interface Reading {
  readonly pauses: readonly Pause[];
  readonly isComplete: boolean;
  /** Time of the server. */
  readonly nowMs: number;
}

/**
 * Creates the kill switch over a connection to Redis. After every epoch nobody knows whether a pause was lost, which counts
 * as paused, until the grace is over and a node has added the pauses it knows: those of its own record, and those it read
 * last. A pause that was lifted meanwhile may come back that way: in doubt, paused. Keeps S14.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 */
export function createRedisPauses(
  options: z.input<typeof RedisPausesOptions> & {
    readonly redis: RedisConnection;
    readonly clock: Clock;
    readonly log?: Logger;
    /** Pauses of this node's own record; asked for at every new epoch. */
    readonly history?: () => Promise<readonly Pause[]>;
    /** Makes the list durable on this node whenever it is seen to have changed. */
    readonly save?: (pauses: readonly Pause[]) => Promise<void>;
  },
): RedisPauses {
  const { redis, clock, log, history, save, ...rest } = options;
  const { cacheMs } = parseOptions('createRedisPauses', RedisPausesOptions, rest);
  const keys = [`{${redis.prefix}}:pauses`];
  let lastRead: readonly Pause[] = [];
  let cached: (Reading & { readonly untilMs: number }) | undefined;

  const knowledge = createKnowledge({
    redis,
    clock,
    log,
    what: 'pauses',
    history: history && (async () => [...(await history()), ...lastRead]),
    add: async (known) => {
      await add(known);
      await redis.run(MARK_KNOWN, { code: CODE, keys: [], args: ['pauses'] });
    },
  });

  async function add(pauses: readonly Pause[]): Promise<void> {
    const reply = await redis.run(SET, {
      code: CODE,
      keys,
      args: [MAX_PAUSES, ...pauses.flatMap(entryOf)],
    });
    if (reply[0] === 'full') {
      const message = `there are ${MAX_PAUSES} pauses already; lift some of them first`;
      throw new PortError({ code: CODE, message, retryable: false });
    }
  }
  const read = async (): Promise<Reading> => {
    const sentAtMs = clock.monotonic();
    const reading = readingOf(await redis.run(LIST, { code: CODE, keys, args: [] }));
    if (JSON.stringify(reading.pauses) !== JSON.stringify(lastRead) && reading.isComplete) {
      lastRead = reading.pauses;
      await keep(lastRead);
    }
    cached = { ...reading, untilMs: sentAtMs + cacheMs };
    return reading;
  };
  /** The copy on this node only matters when Redis loses its own, so a full disk does not stop the reading. */
  const keep = async (pauses: readonly Pause[]): Promise<void> => {
    await save?.(pauses).catch((error: unknown) =>
      log?.error('the pauses could not be saved on this node', { error: describeError(error) }),
    );
  };

  return {
    active: async (scope) => {
      const fresh = cached !== undefined && clock.monotonic() < cached.untilMs ? cached : await read();
      const memory = createMemoryPauses({ clock: { now: () => fresh.nowMs }, history: fresh.pauses });
      const found = await memory.active(scope);
      if (found !== undefined || fresh.isComplete) return found;
      throw new PortError({
        code: CODE,
        message:
          'the pause store may have lost pauses, which counts as paused until the nodes have added theirs',
        retryable: true,
      });
    },
    list: async () => (await read()).pauses,
    set: async (pause) => {
      parseOptions('a pause', PauseSchema, pause);
      cached = undefined;
      await add([pause]);
      await read();
    },
    clear: async (scope) => {
      cached = undefined;
      const args = [JSON.stringify(scope.region ?? null), JSON.stringify(scope.service ?? null)];
      const reply = await redis.run(CLEAR, { code: CODE, keys, args });
      await read();
      return Number(reply[2]);
    },
    close: () => knowledge.close(),
  };
}

/** Id and entry of a pause; the id is its content, so that adding it again is no change. */
function entryOf(pause: Pause): [id: string, entry: string] {
  const text = JSON.stringify(pause);
  const endMs = pause.until === undefined ? -1 : Date.parse(pause.until);
  const entry = JSON.stringify({ until_ms: Number.isNaN(endMs) ? -1 : endMs, pause: text });
  return [createHash('sha256').update(text).digest('hex').slice(0, 32), entry];
}

function readingOf([word, nowMs, ...texts]: ScriptReply): Reading {
  const pauses = texts
    .map((text) => JSON.parse(String(text)) as Pause)
    .sort((left, right) => Date.parse(left.since) - Date.parse(right.since));
  return { pauses, isComplete: word === 'known', nowMs };
}
