import { z } from 'zod';

const Retry = z
  .strictObject({
    firstMs: z.int().min(1).max(60_000).default(200),
    maxMs: z.int().min(1).max(300_000).default(5000),
  })
  .prefault({});

/** Options of `createKinesisStream`. */
export const KinesisStreamOptions = z.strictObject({
  streamName: z.string().min(1).max(128),
  /** Tries of one deposit, 1 to 20. */
  maxAttempts: z.int().min(1).max(20).default(4),
  /** Longest time of one call, milliseconds. */
  requestTimeoutMs: z.int().min(10).max(60_000).default(3000),
  /** Back-off between tries, full jitter. */
  retry: Retry,
});

/** Options of `createKinesisSensor`. */
export const KinesisSensorOptions = z.strictObject({
  streamName: z.string().min(1).max(128),
  /** Name of this consumer; unique among those that live at the same time, the same after a restart. */
  worker: z.string().min(1).max(128),
  /** Where to begin on a stream that was never read. */
  initialPosition: z.enum(['TRIM_HORIZON', 'LATEST']).default('TRIM_HORIZON'),
  /** Most unfinished records of one shard: what memory is bounded by. */
  maxInFlightPerShard: z.int().min(1).max(10_000).default(100),
  /**
   * Time between two reads of a shard, milliseconds. A shard allows 5 reads per second in all.
   */
  pollMs: z.int().min(10).max(60_000).default(250),
  /** Time after which a silent worker's leases are taken over, milliseconds. Renewed at a third of it. */
  failoverMs: z.int().min(100).max(600_000).default(10_000),
  /**
   * How many workers there are meant to be. What is free is left to those that are not there yet for `failoverMs`, so that
   * workers which start together do not take shards from each other.
   */
  expectedWorkers: z.int().min(1).max(1000).default(1),
  /** Time between two looks for new shards, milliseconds. A shard that ends is followed up at once. */
  discoveryMs: z.int().min(100).max(3_600_000).default(30_000),
  /** Time between two writes of checkpoints, milliseconds. */
  checkpointMs: z.int().min(10).max(60_000).default(1000),
  /** Longest time of one call, milliseconds. */
  requestTimeoutMs: z.int().min(10).max(60_000).default(5000),
  /** Back-off after a failed read, full jitter. */
  retry: Retry,
  /** How often a record may be given back before it is a dead letter. */
  maxNacks: z.int().min(1).max(100).default(3),
  /** Back-off before a record that was given back is handed out again, full jitter. Three tries stay below 5 s. Keeps L3. */
  redelivery: z
    .strictObject({
      firstMs: z.int().min(0).max(60_000).default(250),
      maxMs: z.int().min(1).max(300_000).default(2000),
    })
    .prefault({}),
  /** How long `close` waits for records that are handed out, milliseconds. */
  drainMs: z.int().min(0).max(600_000).default(10_000),
});

/** Options as a caller writes them. */
export type KinesisStreamOptionsInput = z.input<typeof KinesisStreamOptions>;

/** Options as a caller writes them. */
export type KinesisSensorOptionsInput = z.input<typeof KinesisSensorOptions>;

/** Options with all defaults. */
export type ResolvedKinesisSensorOptions = z.output<typeof KinesisSensorOptions>;
