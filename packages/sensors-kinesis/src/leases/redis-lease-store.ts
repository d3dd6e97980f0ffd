/**
 * Leases in Redis, for workers in processes and on machines of their own.
 *
 * 1. Every write is one script: it compares the counter and writes, or does nothing.
 * 2. A counter begins at the server's clock in milliseconds and grows by 1 with each write, so that the counters after a loss
 *    of all data are higher than those before: whoever slept through the loss cannot write with an old one.
 * 3. A call ends within its deadline. One that was given up may still be carried out; then the counter has moved, which its
 *    caller takes for a lease that was lost, and takes it again.
 * 4. A server that was demoted keeps its connections and refuses every write. Its refusal ends the connection, because the
 *    address may lead to the new primary by now.
 */
import { ConfigurationError, PortError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import { withTimeout } from '@lazarus/core/time';
import type { Clock } from '@lazarus/core/ports';
import { z } from 'zod';

import type { Checkpoint, LeaseStore, ShardLease } from './lease.ts';

/** Options of {@link createRedisLeaseStore}. */
export const RedisLeaseStoreOptions = z.strictObject({
  /** `redis://` or `rediss://` address. */
  url: z.string().regex(/^rediss?:\/\//, 'expected redis:// or rediss://'),
  /** Prefix of every key; one per region and deployment. @defaultValue `lazarus` */
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, 'expected letters, digits, dots, dashes')
    .default('lazarus'),
  /** Longest time of one call, connecting included, milliseconds. @defaultValue 1000 */
  deadlineMs: z.int().min(20).max(10_000).default(1_000),
});

/** The part of an ioredis client that is used here. */
interface Client {
  readonly status: string;
  call(command: string, ...args: (string | number)[]): Promise<unknown>;
  /** Ends the connection; makes another one when told to. */
  disconnect(reconnect?: boolean): void;
  on(event: string, listener: (error: Error) => void): unknown;
  once(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
}

/** A field of the hash is `<counter> <JSON>`: the scripts read the counter and leave the rest alone. */
const CREATE = `
local time = redis.call('TIME')
local counter = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
return redis.call('HSETNX', KEYS[1], ARGV[1], counter .. ' ' .. ARGV[2])
`;
const UPDATE = `
local now = redis.call('HGET', KEYS[1], ARGV[1])
if not now or string.match(now, '^%d+') ~= ARGV[2] then return false end
local counter = string.format('%.0f', tonumber(ARGV[2]) + 1)
redis.call('HSET', KEYS[1], ARGV[1], counter .. ' ' .. ARGV[3])
return counter
`;
const REMOVE = `
local now = redis.call('HGET', KEYS[1], ARGV[1])
if not now or string.match(now, '^%d+') ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
`;

/** What is kept of a lease beside its counter. */
interface Body {
  readonly owner?: string;
  readonly checkpoint: Checkpoint;
}

/**
 * Makes a lease store in Redis. Resolves at once, also while Redis is away: calls then reject within their deadline, the
 * sensor gives its shards up, and goes on by itself when Redis is back. When Redis has lost its data, the stream is read
 * again from its initial position; events are counted by their id, so that costs time and no second decision.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`, or `LZ_PORT_MISSING` when ioredis is not installed.
 * @example
 * ```ts
 * const leases = await createRedisLeaseStore({ url: 'redis://127.0.0.1:6379', clock });
 * ```
 */
export async function createRedisLeaseStore(
  options: z.input<typeof RedisLeaseStoreOptions> & { readonly clock: Clock },
): Promise<LeaseStore & { close(): Promise<void> }> {
  const { clock, ...rest } = options;
  const settings = parseOptions('createRedisLeaseStore', RedisLeaseStoreOptions, rest);
  const client = await connect(settings);
  let lastError = 'it never answered';
  client.on('error', (error) => (lastError = error.message));
  const keyOf = (stream: string): string => `${settings.prefix}:shards:${stream}`;

  const call = async (...command: readonly [string, ...(string | number)[]]): Promise<unknown> => {
    try {
      return await withTimeout(clock, settings.deadlineMs, undefined, async (signal) => {
        await untilReady(client, signal);
        return client.call(...command);
      });
    } catch (error) {
      if (isReadOnly(error)) client.disconnect(true);
      throw storeError(settings.url, error, lastError);
    }
  };
  const evaluate = (script: string, stream: string, ...args: (string | number)[]): Promise<unknown> =>
    call('EVAL', script, 1, keyOf(stream), ...args);

  return {
    list: async (stream) => toLeases(await call('HGETALL', keyOf(stream))),
    create: async (stream, { shardId, checkpoint }) =>
      (await evaluate(CREATE, stream, shardId, JSON.stringify({ checkpoint } satisfies Body))) === 1,
    update: async (stream, shardId, counter, { owner, checkpoint }) => {
      const body: Body = { ...(owner === undefined ? {} : { owner }), checkpoint };
      const next = await evaluate(UPDATE, stream, shardId, counter, JSON.stringify(body));
      return next === null ? undefined : { shardId, counter: Number(next), ...body };
    },
    remove: async (stream, shardId, counter) => (await evaluate(REMOVE, stream, shardId, counter)) === 1,
    close: async () => client.disconnect(),
  };
}

async function connect(settings: z.output<typeof RedisLeaseStoreOptions>): Promise<Client> {
  const { Redis } = await import('ioredis').catch((cause: unknown) => {
    throw new ConfigurationError({
      code: 'LZ_PORT_MISSING',
      summary: 'ioredis is not installed',
      issues: [
        {
          path: 'ioredis',
          message: 'is an optional peer of @lazarus/sensors-kinesis',
          hint: 'npm install ioredis',
        },
      ],
      cause,
    });
  });
  return new Redis(settings.url, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
    // A server that vanished without a word: its socket is replaced after three missed deadlines.
    socketTimeout: 3 * settings.deadlineMs,
    retryStrategy: (attempt: number) => Math.min(50 * attempt, 1_000),
    connectionName: 'lazarus-shards',
  });
}

async function untilReady(client: Client, signal: AbortSignal): Promise<void> {
  while (client.status !== 'ready') {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve);
      const giveUp = (): void => {
        client.off('ready', resolve);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }
}

/** A write that a replica refused; one within a script comes back with the word of its command, sometimes after "-". */
function isReadOnly(error: unknown): boolean {
  return error instanceof Error && /^-?READONLY\b|-READONLY /.test(error.message);
}

function toLeases(reply: unknown): readonly ShardLease[] {
  const flat = reply as readonly string[];
  const leases: ShardLease[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const [shardId = '', value = ''] = flat.slice(at, at + 2);
    const space = value.indexOf(' ');
    const body = JSON.parse(value.slice(space + 1)) as Body;
    leases.push({ shardId, counter: Number(value.slice(0, space)), ...body });
  }
  return leases.sort((left, right) => (left.shardId < right.shardId ? -1 : 1));
}

function storeError(url: string, error: unknown, lastError: string): PortError {
  const { host } = new URL(url);
  const reason = error instanceof Error ? error.message : String(error);
  return new PortError({
    code: 'LZ_STREAM_READ',
    message: `shard leases in Redis at ${host} cannot be used (${reason}; last error: ${lastError})`,
    details: { store: host },
    retryable: true,
    cause: error,
  });
}
