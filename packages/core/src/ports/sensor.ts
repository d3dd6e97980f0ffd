import type { LazarusEvent } from '../events/event.ts';

/**
 * One record from a sensor, not decoded yet (decoding is the first gate, so that a malformed record gets a decision
 * record like any other).
 */
export interface Delivery {
  /** Where it came from, unique within the stream; for logs and dead letters, never for deduplication. */
  readonly position: string;
  /** The decoded JSON value, or the raw text when it was not JSON. */
  readonly payload: unknown;
  /** Wall time at which the stream accepted the record, milliseconds since the epoch, when it is known. */
  readonly arrivedAtMs?: number;
  /** How often this record was handed out before by this consumer, when it is known. */
  readonly redeliveries?: number;
  /** The record has its terminal decision record: the checkpoint may pass it. Keeps S11. Idempotent. */
  ack(): Promise<void>;
  /** The record could not be handled now: hand it out again. Idempotent, and a no-op after `ack`. */
  nack(reason: string): Promise<void>;
}

/**
 * A source of events. It is pulled, never pushes: a sensor is asked for more only when there is room, so a storm waits
 * in the stream and not in memory. Keeps L5.
 */
export interface Sensor {
  /**
   * Waits for at least one delivery and returns at most `max`; an empty array means that the sensor has ended.
   *
   * @throws PortError when the source cannot be read; the caller retries when `retryable`.
   */
  pull(options: { readonly max: number; readonly signal: AbortSignal }): Promise<readonly Delivery[]>;
  /** Stops reading; deliveries already handed out can still be acknowledged. */
  close(): Promise<void>;
}

/** The region's stream, as seen by those who put events into it (REST, command line, other sensors). */
export interface EventStream {
  /**
   * Deposits one event; resolves when the stream has accepted it durably.
   *
   * @throws PortError `LZ_STREAM_DEPOSIT` when it was not accepted.
   */
  deposit(event: LazarusEvent): Promise<{ readonly position: string }>;
}
