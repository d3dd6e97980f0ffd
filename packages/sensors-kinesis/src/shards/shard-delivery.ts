import type { Clock, Delivery, Random } from '@lazarus/core/ports';

import { backOffMs, type BackOffBounds } from '../back-off.ts';
import type { ShardWindow, WindowEntry } from './shard-window.ts';

/** A record that was given back too often. */
export interface DeadLetter {
  readonly position: string;
  /** As it was delivered. */
  readonly payload: unknown;
  readonly arrivedAtMs?: number;
  /** How often it was given back. */
  readonly nacks: number;
  /** Why it was given back the last time. */
  readonly reason: string;
}

/** What a delivery needs to find its end. */
export interface DeliveryContext {
  readonly shardId: string;
  readonly window: ShardWindow;
  readonly maxNacks: number;
  readonly redelivery: BackOffBounds;
  readonly clock: Clock;
  readonly random: Random;
  /** Must make the dead letter durable; when it rejects, the record is handed out again. */
  readonly onDeadLetter: (letter: DeadLetter) => Promise<void>;
  /** Something was finished or given back. */
  readonly changed: () => void;
  /** Ends waiting for a redelivery. */
  readonly signal: AbortSignal;
}

/** The JSON value of a record, or its text: deciding what is a valid event is the first gate's business. */
export function decodePayload(data: Uint8Array): unknown {
  const text = new TextDecoder().decode(data);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function redeliver(context: DeliveryContext, sequence: string, waitMs: number): void {
  const again = (): void => {
    // Timers may fire a little early; what decides is that the wait is over.
    context.window.postpone(sequence, -Infinity);
    context.changed();
  };
  context.clock.sleep(waitMs, { signal: context.signal }).then(again, () => undefined);
}

/** Makes the delivery of one record. It ends once: by `ack`, or as a dead letter after `maxNacks` times `nack`. */
export function toDelivery(entry: WindowEntry, context: DeliveryContext): Delivery {
  const { window } = context;
  const { sequence, arrivedAtMs } = entry;
  const position = `${context.shardId}/${sequence}`;
  const payload = decodePayload(entry.data);
  const arrival = arrivedAtMs === undefined ? {} : { arrivedAtMs };
  let settled = false;

  const bury = async (nacks: number, reason: string): Promise<void> => {
    try {
      await context.onDeadLetter({ position, payload, nacks, reason, ...arrival });
      window.finish(sequence);
    } catch {
      redeliver(context, sequence, context.redelivery.maxMs);
    }
  };

  return {
    position,
    payload,
    ...arrival,
    redeliveries: entry.nacks,
    ack: async () => {
      if (settled) return;
      settled = true;
      window.finish(sequence);
      context.changed();
    },
    nack: async (reason) => {
      if (settled) return;
      settled = true;
      const nacks = window.giveBack(sequence, Infinity);
      if (nacks >= context.maxNacks) await bury(nacks, reason);
      else redeliver(context, sequence, backOffMs(nacks - 1, context.redelivery, context.random));
      context.changed();
    },
  };
}
