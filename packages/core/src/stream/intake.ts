import { z } from 'zod';
import { describeError } from '../errors/lazarus-error.ts';
import { parseOptions } from '../errors/parse-options.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Meter } from '../ports/meter.ts';
import type { Delivery, Sensor } from '../ports/sensor.ts';
import { createSystemClock } from '../time/system-clock.ts';

/** Options of {@link createIntake}. */
export const IntakeOptions = z.strictObject({
  /** Most events that were accepted and not acknowledged yet, 1 to 1 000 000. @defaultValue 1 000 */
  maxEvents: z.int().min(1).max(1_000_000).default(1_000),
  /** How often an event may be given back before it is given up. @defaultValue 3 */
  maxNacks: z.int().min(1).max(100).default(3),
  /** Wait before an event that was given back is handed out again; it doubles each time. @defaultValue 250 ms to 2 s */
  redelivery: z
    .strictObject({
      firstMs: z.int().min(0).max(60_000).default(250),
      maxMs: z.int().min(1).max(300_000).default(2_000),
    })
    .prefault({}),
});

/** Answer to {@link Intake.offer}. A refusal is a value: the sender keeps the event, and tries again or tells its own. */
export type Offer =
  | { readonly accepted: true; readonly position: string }
  | { readonly accepted: false; readonly reason: 'full' | 'closed' };

/** A sensor for programs that are told of events, instead of asking a stream for them. */
export interface Intake extends Sensor {
  /** Takes an event in, or refuses it because there is no room. Never waits. */
  offer(payload: unknown): Offer;
  /** Events that were accepted and not acknowledged yet. */
  readonly held: number;
  /** Events accepted so far. */
  readonly accepted: number;
  /** Events refused so far. */
  readonly refused: number;
}

/** An event that was given back too often. */
export interface GivenUp {
  readonly position: string;
  readonly payload: unknown;
  readonly nacks: number;
  /** Why it was given back the last time. */
  readonly reason: string;
}

/** Ports of {@link createIntake}. */
export interface IntakePorts {
  /** @defaultValue the system clock */
  readonly clock?: Pick<Clock, 'sleep'>;
  readonly meter?: Meter;
  readonly log?: Pick<Logger, 'error'>;
  /**
   * Concludes an event that was given back too often: pass the controller's `giveUp`. While it fails the event is held, and
   * this is tried again; without it, the event goes on being handed out. Keeps S11.
   */
  readonly onGivenUp?: (event: GivenUp) => Promise<unknown>;
}

interface Held {
  readonly position: string;
  readonly payload: unknown;
  deliveries: number;
}

/**
 * Creates an intake with a fixed number of places between those who push events and a pipeline that pulls them. When the
 * pipeline stands still, the places fill up, and from then on every event is refused and counted; nothing else grows.
 * Keeps L5.
 *
 * An event that is given back waits before it is handed out again, longer each time; after `maxNacks` times it is given up.
 *
 * What was accepted is held in memory only. A sender that must not lose an event deposits it into a durable stream.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 * @example
 * ```ts
 * const intake = createIntake({ maxEvents: 1_000 }, { meter });
 * const pipeline = createPipeline({}, { lanes: [{ sensor: intake, controller }], outcomes, clock, log });
 * const offer = intake.offer(event);
 * if (!offer.accepted) response.status = 503;
 * ```
 */
export function createIntake(options: z.input<typeof IntakeOptions> = {}, ports: IntakePorts = {}): Intake {
  const { maxEvents, maxNacks, redelivery } = parseOptions('createIntake', IntakeOptions, options);
  const clock = ports.clock ?? createSystemClock();
  const stop = new AbortController();
  /** In the order of arrival; the first is taken out in constant time. */
  const waiting = new Set<Held>();
  let held = 0;
  let accepted = 0;
  let refused = 0;
  let isClosed = false;
  const wakers = new Set<() => void>();

  const wake = (): void => {
    for (const waker of wakers) waker();
  };
  const refuse = (reason: 'full' | 'closed'): Offer => {
    refused += 1;
    ports.meter?.count('lazarus_events_refused_total', { reason });
    return { accepted: false, reason };
  };
  const later = (waitMs: number, then: () => void): void => {
    // It ends early only when the intake is closed, and then nothing is handed out any more.
    clock.sleep(waitMs, { signal: stop.signal }).then(then, () => undefined);
  };
  const giveBack = (each: Held): void => {
    const waitMs = Math.min(redelivery.maxMs, redelivery.firstMs * 2 ** Math.min(each.deliveries - 1, 30));
    later(waitMs, () => {
      waiting.add(each);
      wake();
    });
  };
  const giveUp = (each: Held, reason: string): void => {
    const { position, payload, deliveries: nacks } = each;
    Promise.resolve(ports.onGivenUp?.({ position, payload, nacks, reason })).then(
      () => void (held -= 1),
      (error: unknown) => {
        ports.log?.error('an event could not be given up; it is tried again', {
          position,
          error: describeError(error),
        });
        later(redelivery.maxMs, () => giveUp(each, reason));
      },
    );
  };
  const toDelivery = (each: Held): Delivery => {
    let isOut = true;
    const settle = (then: () => void): void => {
      if (isOut) then();
      isOut = false;
    };
    return {
      position: each.position,
      payload: each.payload,
      redeliveries: each.deliveries - 1,
      ack: async () => settle(() => void (held -= 1)),
      nack: async (reason) =>
        settle(() => {
          if (ports.onGivenUp !== undefined && each.deliveries >= maxNacks) giveUp(each, reason);
          else giveBack(each);
        }),
    };
  };
  const takeUpTo = (max: number): readonly Delivery[] => {
    const batch: Delivery[] = [];
    for (const each of waiting) {
      if (batch.length === max) break;
      waiting.delete(each);
      each.deliveries += 1;
      batch.push(toDelivery(each));
    }
    return batch;
  };

  return {
    offer: (payload) => {
      if (isClosed) return refuse('closed');
      if (held >= maxEvents) return refuse('full');
      held += 1;
      accepted += 1;
      const position = String(accepted);
      waiting.add({ position, payload, deliveries: 0 });
      wake();
      return { accepted: true, position };
    },
    pull: async ({ max, signal }) => {
      while (waiting.size === 0 && !isClosed) await untilWoken(wakers, signal);
      signal.throwIfAborted();
      return takeUpTo(max);
    },
    close: async () => {
      isClosed = true;
      stop.abort(new DOMException('the intake is closed', 'AbortError'));
      wake();
    },
    get held() {
      return held;
    },
    get accepted() {
      return accepted;
    },
    get refused() {
      return refused;
    },
  };
}

/** Resolves at the next call of its waker; rejects when the signal aborts. Leaves no listener behind. */
function untilWoken(wakers: Set<() => void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise<void>((resolve, reject) => {
    const settle = (then: () => void): void => {
      wakers.delete(waker);
      signal.removeEventListener('abort', onAbort);
      then();
    };
    const waker = (): void => settle(resolve);
    const onAbort = (): void => settle(() => reject(signal.reason as Error));
    wakers.add(waker);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
