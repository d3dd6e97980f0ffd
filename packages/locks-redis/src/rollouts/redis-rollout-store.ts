import { describeError, PortError } from '@lazarus/core';
import type { Clock, Logger, RolloutRecord, RolloutStore } from '@lazarus/core/ports';
import type { RedisConnection } from '../connection/connect-redis.ts';
import { createKnowledge } from '../connection/knowledge.ts';
import { ADD_ROLLOUT, LOAD_ROLLOUTS, ROLLOUTS_KNOWN, SAVE_ROLLOUT } from './rollout-scripts.ts';

/** How far the edits of profiles are, for several processes. */
export interface RedisRolloutStore extends RolloutStore {
  /**
   * Adds what this node's own record knows, and says that the store now knows it; the later of two records counts. An empty
   * history is an answer, too. Keeps S15.
   *
   * @throws PortError `LZ_CONFIG_UNREADABLE`.
   */
  hydrate(history: readonly RolloutRecord[]): Promise<void>;
  /** Ends what runs in the background. */
  close(): Promise<void>;
}

const CODE = 'LZ_CONFIG_UNREADABLE';

/**
 * Creates the state of rollouts over a connection to Redis. After every epoch nobody knows whether a record was lost, and a
 * profile without a record would reach everybody at once; so it is unreadable until the grace is over and a node has added
 * the records it knows: those of its own file, and those it read last. Meanwhile every node keeps the wave it has.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 */
export function createRedisRolloutStore(options: {
  readonly redis: RedisConnection;
  readonly clock: Clock;
  readonly log?: Logger;
  /** Records of this node's own file; asked for at every new epoch. */
  readonly history?: () => Promise<readonly RolloutRecord[]>;
  /** Makes the records durable on this node whenever they are seen to have changed. */
  readonly save?: (records: readonly RolloutRecord[]) => Promise<void>;
}): RedisRolloutStore {
  const { redis, clock, log, history, save } = options;
  const keys = [`{${redis.prefix}}:rollouts`];
  let lastRead: readonly RolloutRecord[] = [];
  let lastKept = '[]';

  const knowledge = createKnowledge({
    redis,
    clock,
    log,
    what: 'rollouts',
    history: history && (async () => [...(await history()), ...lastRead]),
    add: hydrate,
  });

  async function hydrate(records: readonly RolloutRecord[]): Promise<void> {
    for (const record of records) await redis.run(ADD_ROLLOUT, { code: CODE, keys, args: argsOf(record) });
    await redis.run(ROLLOUTS_KNOWN, { code: CODE, keys, args: [] });
  }
  /** The copy on this node only matters when Redis loses its own, so a full disk does not stop the reading. */
  async function keep(records: readonly RolloutRecord[]): Promise<void> {
    const text = JSON.stringify(records);
    if (save === undefined || text === lastKept) return;
    try {
      await save(records);
      lastKept = text;
    } catch (error) {
      log?.error('the state of rollouts could not be saved on this node', { error: describeError(error) });
    }
  }

  return {
    hydrate,
    load: async () => {
      const [word, , ...rest] = await redis.run(LOAD_ROLLOUTS, { code: CODE, keys, args: [] });
      if (word === 'unknown') throw notKnown(Number(rest[0]));
      lastRead = rest
        .map((text) => recordOf(String(text)))
        .sort((left, right) => (left.profile < right.profile ? -1 : 1));
      await keep(lastRead);
      return lastRead;
    },
    save: async (record) => {
      const [word, , waitMs] = await redis.run(SAVE_ROLLOUT, {
        code: CODE,
        keys,
        args: argsOf(record),
        confirm: ([answer]) => answer === 'saved',
      });
      if (word === 'unknown') throw notKnown(Number(waitMs));
      return word === 'saved';
    },
    close: () => knowledge.close(),
  };
}

const argsOf = (record: RolloutRecord): readonly (string | number)[] => [
  `=${record.profile}`,
  record.epoch,
  JSON.stringify(record),
];

function recordOf(text: string): RolloutRecord {
  try {
    return JSON.parse(text) as RolloutRecord;
  } catch (error) {
    const message = 'the state of a rollout cannot be read from Redis; remove its field, or repair it';
    throw new PortError({ code: CODE, message, retryable: false, cause: error });
  }
}

function notKnown(retryAfterMs: number): PortError {
  const message =
    'the store may have lost the state of rollouts; every node keeps the wave it has until the nodes have added what they know';
  return new PortError({ code: CODE, message, retryable: true, retryAfterMs });
}
