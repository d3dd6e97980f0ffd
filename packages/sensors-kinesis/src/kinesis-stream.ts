import type { PutRecordsRequestEntry } from '@aws-sdk/client-kinesis';
import type { LazarusEvent } from '@lazarus/core';
import type { Clock, EventStream, Random } from '@lazarus/core/ports';

import { PortError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import { withTimeout } from '@lazarus/core/time';

import { backOffMs, pause } from './back-off.ts';
import { type KinesisConnection, openKinesis, type OpenKinesis } from './kinesis-client.ts';
import { classifyFailure, depositError } from './kinesis-failure.ts';
import { KinesisStreamOptions, type KinesisStreamOptionsInput } from './options.ts';

/** Most records of one PutRecords call. */
const MAX_RECORDS = 500;
/** Most bytes of one PutRecords call, keys included; the limit is 5 MiB. */
const MAX_BYTES = 4_500_000;

/** The stream, as seen by those who put events into it. */
export interface KinesisStream extends EventStream {
  /**
   * Deposits many events with few calls. What the stream refused is sent again; the order of events within a service is
   * kept only among those that were accepted at first.
   *
   * @returns positions in the order of the events.
   * @throws PortError `LZ_STREAM_DEPOSIT` when some were not accepted after all tries.
   */
  depositAll(events: readonly LazarusEvent[]): Promise<readonly { readonly position: string }[]>;
  /** Ends the client when it was made here. */
  close(): Promise<void>;
}

interface Outgoing {
  readonly index: number;
  readonly entry: PutRecordsRequestEntry;
  readonly bytes: number;
}

function toEntry(event: LazarusEvent): PutRecordsRequestEntry {
  // Events of one service stay in order, because the service chooses the shard.
  return { Data: new TextEncoder().encode(JSON.stringify(event)), PartitionKey: event.service };
}

function toBatches(outgoing: readonly Outgoing[]): readonly (readonly Outgoing[])[] {
  const batches: Outgoing[][] = [];
  let bytes = Infinity;
  for (const item of outgoing) {
    const batch = batches.at(-1);
    if (batch === undefined || batch.length >= MAX_RECORDS || bytes + item.bytes > MAX_BYTES) {
      batches.push([item]);
      bytes = item.bytes;
    } else {
      batch.push(item);
      bytes += item.bytes;
    }
  }
  return batches;
}

/** An error that looks like the one of a single call, for a record that PutRecords refused. */
function refusedRecord(code: string, message: string | undefined): Error {
  return Object.assign(new Error(message ?? 'the record was refused'), { name: code });
}

async function putBatch(
  { sdk, client }: OpenKinesis,
  streamName: string,
  batch: readonly Outgoing[],
  abortSignal: AbortSignal,
): Promise<{ readonly accepted: ReadonlyMap<number, string>; readonly refused?: Error }> {
  const command = new sdk.PutRecordsCommand({
    StreamName: streamName,
    Records: batch.map(({ entry }) => entry),
  });
  const { Records: results = [] } = await client.send(command, { abortSignal });
  const accepted = new Map<number, string>();
  let refused: Error | undefined;
  batch.forEach(({ index }, at) => {
    const result = results[at];
    if (result?.SequenceNumber !== undefined)
      accepted.set(index, `${result.ShardId}/${result.SequenceNumber}`);
    else refused ??= refusedRecord(result?.ErrorCode ?? 'InternalFailure', result?.ErrorMessage);
  });
  return { accepted, ...(refused === undefined ? {} : { refused }) };
}

/**
 * Makes the producer. The partition key is the service, so that events of one service stay in order.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`, or `LZ_PORT_MISSING` when the AWS SDK is not installed.
 * @example
 * ```ts
 * const stream = await createKinesisStream({
 *   streamName: 'lazarus-events',
 *   clientConfig: { region: 'us-east-1' },
 *   clock: createSystemClock(),
 *   random: { next: Math.random },
 * });
 * await stream.deposit(event);
 * ```
 */
export async function createKinesisStream(
  options: KinesisStreamOptionsInput & KinesisConnection & { readonly clock: Clock; readonly random: Random },
): Promise<KinesisStream> {
  const { client, clientConfig, clock, random, ...rest } = options;
  const { streamName, maxAttempts, requestTimeoutMs, retry } = parseOptions(
    'createKinesisStream',
    KinesisStreamOptions,
    rest,
  );
  const kinesis = await openKinesis({ ...(client && { client }), ...(clientConfig && { clientConfig }) });
  const ended = new AbortController();

  /** Tries until it works, all tries are used up, or trying again makes no sense. */
  const persist = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await withTimeout(clock, requestTimeoutMs, ended.signal, work);
      } catch (error) {
        const failure = classifyFailure(error);
        const isFinal = failure === 'refused' || failure === 'not_found';
        if (isFinal || attempt + 1 >= maxAttempts || ended.signal.aborted)
          throw depositError(streamName, error);
        await pause(clock, backOffMs(attempt, retry, random), ended.signal);
      }
    }
  };

  const depositAll = async (
    events: readonly LazarusEvent[],
  ): Promise<readonly { readonly position: string }[]> => {
    const positions = new Map<number, string>();
    const all = events.map((event, index): Outgoing => {
      const entry = toEntry(event);
      return { index, entry, bytes: (entry.Data?.length ?? 0) + event.service.length };
    });
    for (const batch of toBatches(all)) {
      let open = batch;
      await persist(async (signal) => {
        const { accepted, refused } = await putBatch(kinesis, streamName, open, signal);
        for (const [index, position] of accepted) positions.set(index, position);
        open = open.filter(({ index }) => !accepted.has(index));
        if (refused !== undefined) throw refused;
      });
    }
    return all.map(({ index }) => ({ position: positions.get(index) ?? '' }));
  };

  return {
    deposit: async (event) => {
      const { Data, PartitionKey } = toEntry(event);
      const command = new kinesis.sdk.PutRecordCommand({ StreamName: streamName, Data, PartitionKey });
      const result = await persist((abortSignal) => kinesis.client.send(command, { abortSignal }));
      return { position: `${result.ShardId}/${result.SequenceNumber}` };
    },
    depositAll,
    close: async () => {
      ended.abort(
        new PortError({ code: 'LZ_STREAM_DEPOSIT', message: 'the stream is closed', retryable: false }),
      );
      kinesis.close();
    },
  };
}
