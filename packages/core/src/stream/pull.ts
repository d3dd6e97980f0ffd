import { Observable } from 'rxjs';
import { describeError, isLazarusError } from '../errors/lazarus-error.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Delivery, Sensor } from '../ports/sensor.ts';

/** Counts what is in flight and says when there is room for more. */
export interface Room {
  /** Most deliveries in flight. */
  readonly size: number;
  readonly inFlight: number;
  /** Resolves with the free places, at least one. */
  free(signal: AbortSignal): Promise<number>;
  take(count: number): void;
  leave(): void;
}

/** Creates a {@link Room} with `size` places. */
export function createRoom(size: number): Room {
  let inFlight = 0;
  let wake: (() => void) | undefined;
  return {
    size,
    get inFlight() {
      return inFlight;
    },
    async free(signal) {
      while (inFlight >= size) {
        signal.throwIfAborted();
        await new Promise<void>((resolve) => {
          const onAbort = (): void => resolve();
          wake = () => {
            signal.removeEventListener('abort', onAbort);
            resolve();
          };
          signal.addEventListener('abort', onAbort, { once: true });
        });
      }
      return size - inFlight;
    },
    take(count) {
      inFlight += count;
    },
    leave() {
      inFlight -= 1;
      wake?.();
    },
  };
}

const RETRY_MS = 1_000;

/**
 * Deliveries of a sensor, pulled: the next batch is asked for only when there is room, so a storm waits in the stream
 * and never in memory. RxJS has no back-pressure of its own; this is where it comes from. Keeps L5.
 *
 * A source that cannot be read is asked again after a pause, or after `retryAfterMs`; an error that cannot pass ends the
 * stream with it.
 */
export function pull(
  sensor: Sensor,
  room: Room,
  ports: { readonly clock: Clock; readonly log: Logger },
): Observable<Delivery> {
  return new Observable<Delivery>((subscriber) => {
    const stop = new AbortController();
    const { signal } = stop;

    async function next(): Promise<readonly Delivery[]> {
      for (;;) {
        const max = await room.free(signal);
        try {
          return await sensor.pull({ max, signal });
        } catch (error) {
          const againAfterMs = retryAfterMs(error);
          if (signal.aborted || againAfterMs === undefined) throw error;
          ports.log.warn('the stream could not be read; trying again', { error: describeError(error) });
          await ports.clock.sleep(againAfterMs, { signal });
        }
      }
    }

    async function loop(): Promise<void> {
      for (let batch = await next(); batch.length > 0 && !signal.aborted; batch = await next()) {
        room.take(batch.length);
        for (const delivery of batch) subscriber.next(delivery);
      }
    }

    loop().then(
      () => subscriber.complete(),
      (error: unknown) => (signal.aborted ? subscriber.complete() : subscriber.error(error)),
    );
    return () => stop.abort(new DOMException('the pipeline is closing', 'AbortError'));
  });
}

/** How long to wait before asking again; undefined when asking again cannot help. */
function retryAfterMs(error: unknown): number | undefined {
  if (!isLazarusError(error) || !('retryable' in error) || error.retryable !== true) return undefined;
  return 'retryAfterMs' in error && typeof error.retryAfterMs === 'number' ? error.retryAfterMs : RETRY_MS;
}
