import { z } from 'zod';
import { SecretSchema } from '../access/bearer-token.ts';
import { AdapterOptions } from '../adapters/adapters.ts';

/** Options of {@link createIntake}. */
export const IntakeOptions = z.strictObject({
  /**
   * Who may deposit. With neither tokens nor keys everybody who reaches the port may; with both, a request needs one of
   * them.
   */
  auth: z
    .strictObject({
      /** Accepted bearer tokens; several while one is being replaced. */
      tokens: z.array(SecretSchema).readonly().default([]),
      /** Live keys of signed requests (see {@link signRequest}): at most two, the one in use and the next. */
      signingKeys: z.array(SecretSchema).max(2).readonly().default([]),
    })
    .prefault({}),
  /**
   * Most events whose deposit is under way; more are turned away with 429, so a storm waits at its senders. Keeps L5.
   *
   * @defaultValue 256
   * @remarks Source: ours; one second of a Kinesis shard takes 1000 records.
   */
  maxInFlight: z.int().min(1).max(10_000).default(256),
  /** Most events of one request. @defaultValue 100 */
  maxEventsPerRequest: z.int().min(1).max(1_000).default(100),
  /**
   * Longest time that a sender waits for the stream, milliseconds. Nagios, Datadog and PagerDuty hang up after 5 s to 60 s.
   *
   * @defaultValue 4000
   */
  depositTimeoutMs: z.int().min(1).max(60_000).default(4_000),
  /**
   * Refuse events whose type is not registered. Otherwise they pass with a warning, because a rule may ask for any type.
   *
   * @defaultValue false
   */
  knownTypesOnly: z.boolean().default(false),
  /** What monitoring systems send in their own format. @defaultValue none is mounted */
  adapters: AdapterOptions.prefault({}),
});

/** Resolved form of {@link IntakeOptions}. */
export type IntakeSettings = z.output<typeof IntakeOptions>;
