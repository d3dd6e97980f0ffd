import { ConfigurationError } from '@lazarus/core';
import type { Script } from './script.ts';

/** The part of an ioredis client that is used here; a client of your own fits when it has it. */
export interface RedisClient {
  /** `ready` when commands can be sent, `end` when it will never connect again. */
  readonly status: string;
  call(command: string, ...args: (string | number)[]): Promise<unknown>;
  duplicate(override?: { readonly enableAutoPipelining: boolean }): RedisClient;
  disconnect(reconnect?: boolean): void;
  on(event: string, listener: (error: Error) => void): unknown;
  off(event: string, listener: (error: Error) => void): unknown;
}

const LONGEST_RETRY_DELAY_MS = 1_000;
const CONNECT_TIMEOUT_MS = 2_000;

/**
 * How our own client behaves: a command is sent once or not at all, so that nothing is carried out long after the
 * caller gave up; a silent connection is replaced; reconnecting never ends.
 */
function clientOptions(deadlineMs: number) {
  return {
    enableAutoPipelining: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // A peer that vanished without a word holds a socket for minutes; three missed deadlines are enough.
    socketTimeout: 3 * deadlineMs,
    retryStrategy: (attempt: number) => Math.min(50 * attempt, LONGEST_RETRY_DELAY_MS),
    connectionName: 'lazarus',
  };
}

/**
 * Loads ioredis and makes a client for `url`, which starts connecting in the background.
 *
 * @throws ConfigurationError `LZ_PORT_MISSING` when ioredis is not installed.
 */
export async function openClient(url: string, deadlineMs: number): Promise<RedisClient> {
  const { Redis } = await import('ioredis').catch((cause: unknown) => {
    throw new ConfigurationError({
      code: 'LZ_PORT_MISSING',
      summary: 'ioredis is not installed',
      issues: [
        {
          path: 'ioredis',
          message: 'is an optional peer of @lazarus/locks-redis',
          hint: 'npm install ioredis',
        },
      ],
      cause,
    });
  });
  return new Redis(url, clientOptions(deadlineMs));
}

/** Events after which the state of a client has changed. */
export const CLIENT_EVENTS = ['ready', 'close', 'end'] as const;

/** Runs a script by its digest; a server that does not know it is told once. */
export async function evaluate(
  client: RedisClient,
  script: Script,
  args: readonly (string | number)[],
  signal?: AbortSignal,
): Promise<unknown> {
  try {
    return await client.call('EVALSHA', script.sha, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    signal?.throwIfAborted();
    return client.call('EVAL', script.source, ...args);
  }
}
