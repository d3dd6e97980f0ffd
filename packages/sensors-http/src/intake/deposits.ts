import { canonicalEventId, describeError } from '@lazarus/core';
import { withTimeout } from '@lazarus/core/time';
import type { LazarusEvent } from '@lazarus/core';
import type { Clock, EventStream, Logger, Meter } from '@lazarus/core/ports';

/** What became of one event. */
export type Deposit =
  | { readonly done: true; readonly id: string }
  /** Not known to be in the stream: the sender sends it again, and one that arrived twice is counted once. */
  | { readonly done: false; readonly id: string };

/** The way into the stream, with a bound. */
export interface Deposits {
  /** Deposits every event, in parallel; `undefined` when there is no room for all of them, and then none is. */
  deposit(events: readonly LazarusEvent[]): Promise<readonly Deposit[]> | undefined;
}

/** What {@link createDeposits} works with. */
export interface DepositPorts {
  readonly stream: EventStream;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter | undefined;
}

/**
 * Creates the bounded way into the stream. An event holds its place until the stream has answered, also when its sender
 * no longer waits for the answer: a stream that hangs fills the places and not the memory. Keeps L5.
 */
export function createDeposits(
  bounds: { readonly maxInFlight: number; readonly depositTimeoutMs: number },
  { stream, clock, log, meter }: DepositPorts,
): Deposits {
  let inFlight = 0;

  const hold = (change: number): void => {
    inFlight += change;
    meter?.gauge('lazarus_intake_in_flight', {}, inFlight);
  };
  const depositInPlace = async (event: LazarusEvent): Promise<void> => {
    try {
      await stream.deposit(event);
    } finally {
      hold(-1);
    }
  };
  const depositOne = async (event: LazarusEvent): Promise<Deposit> => {
    const id = canonicalEventId(event);
    try {
      await withTimeout(clock, bounds.depositTimeoutMs, undefined, () => depositInPlace(event));
      return { done: true, id };
    } catch (error) {
      log.warn('an event was not deposited', { event_id: id, error: describeError(error) });
      return { done: false, id };
    }
  };

  return {
    deposit(events) {
      if (inFlight + events.length > bounds.maxInFlight) return undefined;
      hold(events.length);
      return Promise.all(events.map(depositOne));
    },
  };
}
