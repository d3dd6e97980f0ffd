/**
 * Reads one shard as long as there is room.
 *
 * 1. An iterator is made from the checkpoint, later from the last record that was *read*: an iterator that expired is
 *    replaced, never tried again, and nothing is read twice for that.
 * 2. Records go into the window; it is asked for more only when there is room.
 * 3. The shard has ended when the stream returns no next iterator; an empty batch means nothing.
 */
import type { GetRecordsCommandOutput, GetShardIteratorCommandInput } from '@aws-sdk/client-kinesis';
import type { Clock, Random } from '@lazarus/core/ports';

import { withTimeout } from '@lazarus/core/time';

import { backOffMs, isAborted, pause } from '../back-off.ts';
import type { OpenKinesis } from '../kinesis-client.ts';
import { classifyFailure } from '../kinesis-failure.ts';
import type { Checkpoint } from '../leases/lease.ts';
import type { ShardWindow } from './shard-window.ts';

/** Most records that the stream returns in one call. */
const MAX_BATCH = 10_000;

/** What a reader tells its owner. */
export interface ShardEvents {
  /** Records arrived. */
  arrived(): void;
  /** Nothing will follow in this shard. */
  ended(): void;
  /** A call failed; reading goes on. */
  failed(error: unknown): void;
  /** The stream says how far behind the end the reader is; `undefined` when it does not. */
  lag(behindMs: number | undefined): void;
}

/** What {@link readShard} needs. */
export interface ShardReaderOptions {
  readonly kinesis: OpenKinesis;
  readonly streamName: string;
  readonly shardId: string;
  readonly from: Checkpoint;
  readonly window: ShardWindow;
  readonly maxInFlight: number;
  readonly pollMs: number;
  readonly requestTimeoutMs: number;
  readonly retry: { readonly firstMs: number; readonly maxMs: number };
  readonly clock: Clock;
  readonly random: Random;
  readonly events: ShardEvents;
  /** Resolves when there may be room again, or when the signal aborts. */
  readonly room: (signal: AbortSignal) => Promise<void>;
}

type Position = Checkpoint | { readonly at: 'SEQUENCE'; readonly sequence: string };

function iteratorInput(options: ShardReaderOptions, position: Position): GetShardIteratorCommandInput {
  const shard = { StreamName: options.streamName, ShardId: options.shardId };
  return position.at === 'SEQUENCE'
    ? { ...shard, ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: position.sequence }
    : { ...shard, ShardIteratorType: position.at === 'LATEST' ? 'LATEST' : 'TRIM_HORIZON' };
}

/** Reads until the shard ends or the signal aborts. */
export async function readShard(options: ShardReaderOptions, signal: AbortSignal): Promise<void> {
  const { kinesis, window, clock, events } = options;
  const call = <T>(work: (abortSignal: AbortSignal) => Promise<T>): Promise<T> =>
    withTimeout(clock, options.requestTimeoutMs, signal, work);
  let position: Position = options.from;
  let iterator: string | undefined;
  let failures = 0;

  const open = async (): Promise<string | undefined> => {
    const command = new kinesis.sdk.GetShardIteratorCommand(iteratorInput(options, position));
    return (await call((abortSignal) => kinesis.client.send(command, { abortSignal }))).ShardIterator;
  };
  const fetch = async (from: string, limit: number): Promise<GetRecordsCommandOutput> => {
    const command = new kinesis.sdk.GetRecordsCommand({ ShardIterator: from, Limit: limit });
    return call((abortSignal) => kinesis.client.send(command, { abortSignal }));
  };
  const keep = (batch: GetRecordsCommandOutput): void => {
    const records = (batch.Records ?? []).map((record) => ({
      sequence: record.SequenceNumber ?? '',
      data: record.Data ?? new Uint8Array(),
      arrivedAtMs: record.ApproximateArrivalTimestamp?.getTime(),
    }));
    const last = records.at(-1);
    if (last !== undefined) position = { at: 'SEQUENCE', sequence: last.sequence };
    window.add(records);
    events.lag(batch.MillisBehindLatest);
    if (records.length > 0) events.arrived();
  };
  /** One turn; true when the shard has ended. */
  const turn = async (): Promise<boolean> => {
    iterator ??= await open();
    if (iterator === undefined) return true;
    const limit = Math.min(MAX_BATCH, options.maxInFlight - window.unfinished);
    const batch = await fetch(iterator, limit);
    keep(batch);
    iterator = batch.NextShardIterator;
    return iterator === undefined;
  };
  /** Prepares the next turn after a failure. */
  const recover = (error: unknown): void => {
    const failure = classifyFailure(error);
    // Throttling and network failures keep the iterator; any other one may be the fault of the iterator itself.
    if (failure !== 'throttled' && failure !== 'transient') iterator = undefined;
    if (failure !== 'iterator_expired') failures += 1;
    if (failure !== 'iterator_expired' && failure !== 'throttled') events.failed(error);
  };

  while (!signal.aborted) {
    if (window.unfinished >= options.maxInFlight) {
      await options.room(signal);
      continue;
    }
    let waitMs = options.pollMs;
    try {
      const hasEnded = await turn();
      if (hasEnded) {
        events.ended();
        return;
      }
      failures = 0;
    } catch (error) {
      if (isAborted(signal)) return;
      recover(error);
      if (failures > 0) waitMs += backOffMs(failures - 1, options.retry, options.random);
    }
    await pause(clock, waitMs, signal);
  }
}
