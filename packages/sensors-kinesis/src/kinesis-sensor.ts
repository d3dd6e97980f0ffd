import type { Clock, Delivery, Logger, Meter, Random, Sensor } from '@lazarus/core/ports';

import { describeError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import { withTimeout } from '@lazarus/core/time';

import { backOffMs, isAborted, pause } from './back-off.ts';
import { createBell } from './bell.ts';
import { type KinesisConnection, openKinesis } from './kinesis-client.ts';
import { readError } from './kinesis-failure.ts';
import type { LeaseStore } from './leases/lease.ts';
import { KinesisSensorOptions, type KinesisSensorOptionsInput } from './options.ts';
import type { DeadLetter } from './shards/shard-delivery.ts';
import { identifyStream } from './shards/shard-listing.ts';
import { createShardSession, type ShardSession, type ShardStatus } from './shards/shard-session.ts';

/** What {@link createKinesisSensor} needs from others. */
export interface KinesisSensorPorts {
  readonly clock: Clock;
  readonly random: Random;
  /** Where leases and checkpoints live. */
  readonly leases: LeaseStore;
  /**
   * A record was given back too often. The checkpoint passes it once this resolves, so make its terminal record and
   * wake somebody first; when it rejects, the record is handed out again. Keeps S11.
   */
  readonly onDeadLetter: (letter: DeadLetter) => Promise<void>;
  readonly logger?: Logger;
  readonly meter?: Meter;
}

/** The stream, as a source of events. */
export interface KinesisSensor extends Sensor {
  /** The shards that are read here, with their lag: stale events are a reason not to act. */
  readonly shards: readonly ShardStatus[];
}

/**
 * Reads the stream: takes its share of the shards, hands records out at least once, and remembers how far everything is
 * finished. Memory is bounded by `maxInFlightPerShard`. Keeps S11, L3 and L5.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`, or `LZ_PORT_MISSING` when the AWS SDK is not installed.
 * @example
 * ```ts
 * const sensor = await createKinesisSensor({
 *   streamName: 'lazarus-events',
 *   worker: 'node-a',
 *   clientConfig: { region: 'us-east-1' },
 *   leases: await createSqliteLeaseStore({ file: 'leases.db' }),
 *   onDeadLetter: async (letter) => escalate(letter),
 *   clock: createSystemClock(),
 *   random: { next: Math.random },
 * });
 * const deliveries = await sensor.pull({ max: 16, signal });
 * ```
 */
export async function createKinesisSensor(
  options: KinesisSensorOptionsInput & KinesisConnection & KinesisSensorPorts,
): Promise<KinesisSensor> {
  const { client, clientConfig, clock, random, leases, onDeadLetter, logger, meter, ...rest } = options;
  const settings = parseOptions('createKinesisSensor', KinesisSensorOptions, rest);
  const kinesis = await openKinesis({ ...(client && { client }), ...(clientConfig && { clientConfig }) });
  const bell = createBell();
  const over = new AbortController();
  let session: ShardSession | undefined;
  let stream: string | undefined;
  let failure: unknown;
  let isClosed = false;
  let closing: Promise<void> | undefined;

  const failed = (error: unknown): void => {
    failure = error;
    meter?.count('lazarus_stream_read_failures_total');
    bell.ring();
  };
  const report = (): void => {
    for (const { shardId, behindMs, oldestAgeMs } of session?.shards ?? []) {
      meter?.gauge(
        'lazarus_stream_lag_milliseconds',
        { shard: shardId },
        Math.max(behindMs ?? 0, oldestAgeMs),
      );
    }
  };

  /** Begins anew when the stream was deleted and created again: its old checkpoints mean nothing there. */
  const follow = async (): Promise<void> => {
    const current = await withTimeout(clock, settings.requestTimeoutMs, over.signal, (signal) =>
      identifyStream(kinesis, settings.streamName, signal),
    );
    if (current === stream) return;
    await session?.end();
    stream = current;
    session = createShardSession({
      kinesis,
      stream: current,
      settings,
      store: leases,
      clock,
      random,
      logger,
      onDeadLetter,
      changed: () => bell.ring(),
      failed,
    });
  };

  const watch = async (): Promise<void> => {
    let failures = 0;
    while (!over.signal.aborted) {
      try {
        await follow();
        failures = 0;
      } catch (error) {
        if (isAborted(over.signal)) return;
        failures += 1;
        logger?.warn('stream cannot be read', { stream: settings.streamName, error: describeError(error) });
        failed(error);
      }
      report();
      const waitMs = failures === 0 ? settings.discoveryMs : backOffMs(failures, settings.retry, random);
      await pause(clock, waitMs, over.signal);
    }
  };
  const watching = watch();

  const drain = async (): Promise<void> => {
    const limit = new AbortController();
    const timeUp = pause(clock, settings.drainMs, limit.signal).then(() => limit.abort());
    while ((session?.handedOut ?? 0) > 0 && !limit.signal.aborted) await bell.heard(limit.signal);
    limit.abort();
    await timeUp;
  };
  const end = async (): Promise<void> => {
    isClosed = true;
    session?.stopReading();
    bell.ring();
    await drain();
    over.abort();
    await watching;
    await session?.end();
    kinesis.close();
  };

  return {
    get shards() {
      return session?.shards ?? [];
    },
    pull: async ({ max, signal }): Promise<readonly Delivery[]> => {
      for (;;) {
        signal.throwIfAborted();
        if (isClosed) return [];
        const deliveries = session?.take(max) ?? [];
        if (deliveries.length > 0) return deliveries;
        if (failure !== undefined) {
          const error = readError(settings.streamName, failure);
          failure = undefined;
          throw error;
        }
        await bell.heard(signal);
      }
    },
    close: () => (closing ??= end()),
  };
}
