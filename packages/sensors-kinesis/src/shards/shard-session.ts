/**
 * Everything this worker does about one life of a stream.
 *
 * Two loops: *upkeep* finds shards, renews and takes leases; *checkpoint* writes how far the held shards got. A shard
 * ends in this order: the stream says so, every record is finished, SHARD_END is written, its children are looked for.
 *
 * S11: a checkpoint is the end of the longest run of finished records, never more.
 */
import type { Clock, Delivery, Logger, Random } from '@lazarus/core/ports';

import { describeError } from '@lazarus/core';
import { withTimeout } from '@lazarus/core/time';

import { backOffMs, isAborted, pause } from '../back-off.ts';
import { type Bell, createBell } from '../bell.ts';
import type { OpenKinesis } from '../kinesis-client.ts';
import { createLeaseKeeper } from '../leases/lease-keeper.ts';
import { type LeaseSightings, planTakes, sightLeases } from '../leases/lease-plan.ts';
import type { LeaseStore, ShardLease } from '../leases/lease.ts';
import type { ResolvedKinesisSensorOptions } from '../options.ts';
import { type DeadLetter, toDelivery } from './shard-delivery.ts';
import { listShards } from './shard-listing.ts';
import { planShards } from './shard-plan.ts';
import { readShard } from './shard-reader.ts';
import { createShardWindow, type ShardWindow } from './shard-window.ts';

/** How far behind one shard is. */
export interface ShardStatus {
  readonly shardId: string;
  /** Records in flight. */
  readonly unfinished: number;
  /** By the stream's own account, milliseconds; `undefined` before the first read. */
  readonly behindMs: number | undefined;
  /** Age of the oldest record in flight, milliseconds; 0 when there is none. */
  readonly oldestAgeMs: number;
}

/** What {@link createShardSession} needs. */
export interface ShardSessionOptions {
  readonly kinesis: OpenKinesis;
  /** Name of this life of the stream; leases are kept under it. */
  readonly stream: string;
  readonly settings: ResolvedKinesisSensorOptions;
  readonly store: LeaseStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger | undefined;
  readonly onDeadLetter: (letter: DeadLetter) => Promise<void>;
  /** Records arrived or became due again, or something failed. */
  readonly changed: () => void;
  readonly failed: (error: unknown) => void;
}

/** The shards that this worker reads. */
export interface ShardSession {
  /** Hands out up to `max` records, taking turns among the shards. */
  take(max: number): readonly Delivery[];
  readonly handedOut: number;
  readonly shards: readonly ShardStatus[];
  /** Reads no more; what is handed out can still be finished. */
  stopReading(): void;
  /** Writes the last checkpoints, frees the leases and ends the loops. */
  end(): Promise<void>;
}

interface Reading {
  readonly shardId: string;
  readonly window: ShardWindow;
  readonly stop: AbortController;
  readonly room: Bell;
  ended: boolean;
  behindMs: number | undefined;
  /** Last checkpoint that was written. */
  written: string | undefined;
}

/** Starts to look for shards and to read them. */
export function createShardSession(options: ShardSessionOptions): ShardSession {
  const { kinesis, stream, settings, store, clock, random } = options;
  const readings = new Map<string, Reading>();
  const over = new AbortController();
  const upkeepBell = createBell();
  let isReading = true;
  let sightings: LeaseSightings = new Map();
  let discoverAtMs = -Infinity;
  let turn = 0;

  const keeper = createLeaseKeeper({
    store,
    stream,
    worker: settings.worker,
    failoverMs: settings.failoverMs,
    clock,
    onLost: (shardId) => {
      options.logger?.warn('shard lease lost', { shard: shardId, worker: settings.worker });
      stopReading(shardId);
    },
  });

  const stopReading = (shardId: string): void => {
    readings.get(shardId)?.stop.abort();
    readings.delete(shardId);
  };

  const startReading = (lease: ShardLease): void => {
    const { shardId } = lease;
    const stop = new AbortController();
    const reading: Reading = {
      shardId,
      window: createShardWindow(),
      stop,
      room: createBell(),
      ended: false,
      behindMs: undefined,
      written: undefined,
    };
    readings.set(shardId, reading);
    options.logger?.info('shard taken', { shard: shardId, from: lease.checkpoint });
    void readShard(
      {
        kinesis,
        streamName: settings.streamName,
        shardId,
        from: lease.checkpoint,
        window: reading.window,
        maxInFlight: settings.maxInFlightPerShard,
        pollMs: settings.pollMs,
        requestTimeoutMs: settings.requestTimeoutMs,
        retry: settings.retry,
        clock,
        random,
        room: (signal) => reading.room.heard(signal),
        events: {
          arrived: options.changed,
          ended: () => {
            reading.ended = true;
          },
          failed: options.failed,
          lag: (behindMs) => {
            reading.behindMs = behindMs;
          },
        },
      },
      stop.signal,
    ).catch(options.failed);
  };

  const discover = async (): Promise<void> => {
    if (clock.monotonic() < discoverAtMs) return;
    const listed = await withTimeout(clock, settings.requestTimeoutMs, over.signal, (signal) =>
      listShards(kinesis, settings.streamName, signal),
    );
    const plan = planShards(listed, await store.list(stream), settings.initialPosition);
    for (const lease of plan.create) await store.create(stream, lease);
    for (const lease of plan.remove) await store.remove(stream, lease.shardId, lease.counter);
    discoverAtMs = clock.monotonic() + settings.discoveryMs;
    const names = new Set(listed.map(({ shardId }) => shardId));
    for (const reading of readings.values()) {
      if (names.has(reading.shardId) || reading.ended) continue;
      options.logger?.error('shard expired before it was read to the end', { shard: reading.shardId });
      reading.ended = true;
    }
  };

  /** Takes leases; true when there may be more to take right away. */
  const takeLeases = async (): Promise<boolean> => {
    const leases = await store.list(stream);
    const nowMs = clock.monotonic();
    sightings = sightLeases(sightings, leases, nowMs);
    if (!isReading) return false;
    // A lease in this worker's name that it does not hold is from its earlier life: it may go on at once.
    const held = new Set(keeper.held.map(({ shardId }) => shardId));
    const left = leases.filter(
      (lease) =>
        lease.owner === settings.worker && lease.checkpoint.at !== 'SHARD_END' && !held.has(lease.shardId),
    );
    const { worker, failoverMs, expectedWorkers } = settings;
    const input = { leases, worker, sightings, nowMs, failoverMs, expectedWorkers, chance: random.next() };
    let hasTaken = false;
    for (const lease of [...left, ...planTakes(input)]) {
      const taken = await keeper.take(lease);
      if (taken === undefined) continue;
      startReading(taken);
      hasTaken = true;
    }
    return (
      hasTaken && leases.some((lease) => lease.owner === undefined && lease.checkpoint.at !== 'SHARD_END')
    );
  };

  const upkeep = async (): Promise<void> => {
    await Promise.all(keeper.held.map(({ shardId }) => keeper.renew(shardId)));
    if (isReading) await discover();
    while (await takeLeases()) await pause(clock, settings.pollMs, over.signal);
  };

  const writeCheckpoint = async (reading: Reading): Promise<void> => {
    const { shardId, window } = reading;
    const isDone = reading.ended && window.unfinished === 0;
    const sequence = window.checkpoint;
    if (isDone) {
      if (!(await keeper.renew(shardId, { at: 'SHARD_END' }))) return;
      await keeper.release(shardId);
      stopReading(shardId);
      options.logger?.info('shard read to its end', { shard: shardId });
      discoverAtMs = -Infinity;
      upkeepBell.ring();
    } else if (sequence !== undefined && sequence !== reading.written) {
      if (await keeper.renew(shardId, { at: 'SEQUENCE', sequence })) reading.written = sequence;
    }
  };

  const writeCheckpoints = async (): Promise<void> => {
    await Promise.all([...readings.values()].map(writeCheckpoint));
  };

  const loop = async (everyMs: number, work: () => Promise<void>, bell: Bell): Promise<void> => {
    let failures = 0;
    while (!over.signal.aborted) {
      keeper.dropOverdue();
      try {
        await work();
        failures = 0;
      } catch (error) {
        if (isAborted(over.signal)) return;
        failures += 1;
        options.logger?.warn('stream upkeep failed', { error: describeError(error) });
        options.failed(error);
      }
      const waitMs = failures === 0 ? everyMs : backOffMs(failures - 1, settings.retry, random);
      const early = new AbortController();
      const signal = AbortSignal.any([over.signal, early.signal]);
      await Promise.race([pause(clock, waitMs, signal), bell.heard(signal)]);
      early.abort();
    }
  };
  const loops = [
    loop(Math.floor(settings.failoverMs / 3), upkeep, upkeepBell),
    loop(settings.checkpointMs, writeCheckpoints, createBell()),
  ];

  const changedIn = (reading: Reading) => (): void => {
    reading.room.ring();
    options.changed();
  };
  const takeFrom = (reading: Reading, max: number): readonly Delivery[] => {
    if (max <= 0 || !keeper.isHeld(reading.shardId)) return [];
    return reading.window.take(max, clock.monotonic()).map((entry) =>
      toDelivery(entry, {
        shardId: reading.shardId,
        window: reading.window,
        maxNacks: settings.maxNacks,
        redelivery: settings.redelivery,
        clock,
        random,
        onDeadLetter: options.onDeadLetter,
        changed: changedIn(reading),
        signal: over.signal,
      }),
    );
  };

  return {
    take: (max) => {
      const all = [...readings.values()];
      const deliveries: Delivery[] = [];
      turn += 1;
      for (let n = 0; n < all.length; n += 1) {
        const reading = all[(turn + n) % all.length];
        if (reading === undefined) continue;
        // Each shard gets its part of the room, so that a storm in one does not keep the others waiting.
        const share = Math.ceil((max - deliveries.length) / (all.length - n));
        deliveries.push(...takeFrom(reading, share));
      }
      return deliveries;
    },
    get handedOut() {
      return [...readings.values()].reduce((sum, { window }) => sum + window.handedOut, 0);
    },
    get shards() {
      const nowMs = clock.now();
      return [...readings.values()].map(({ shardId, window, behindMs }) => ({
        shardId,
        unfinished: window.unfinished,
        behindMs,
        oldestAgeMs: window.oldestArrivalMs === undefined ? 0 : Math.max(0, nowMs - window.oldestArrivalMs),
      }));
    },
    stopReading: () => {
      isReading = false;
      for (const { stop } of readings.values()) stop.abort();
    },
    end: async () => {
      isReading = false;
      await writeCheckpoints().catch(options.failed);
      over.abort();
      await Promise.all(loops);
      for (const { shardId } of keeper.held) {
        await keeper.release(shardId).catch(options.failed);
        stopReading(shardId);
      }
    },
  };
}
