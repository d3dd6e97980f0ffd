import { Observable } from 'rxjs';
import type { OperatorFunction } from 'rxjs';

/** Bounds of {@link shedMap}. */
export interface ShedOptions<T> {
  /** Most values that are worked on at the same time, at least 1. */
  readonly maxInFlight: number;
  /** Most values that wait meanwhile, at least 0; one more is dropped. */
  readonly maxWaiting: number;
  /** Told of each value that was dropped: a drop is counted, never silent. */
  readonly onDropped: (value: T) => void;
}

/**
 * Works on values as `concatMap` and `mergeMap` do, and bounds the memory as well: while the work stands still, at most
 * `maxInFlight + maxWaiting` values are kept, and every further one is dropped and told of. For what may be dropped only,
 * such as notifications; never for events and never for pages. Keeps L5.
 *
 * The signal aborts when nobody is subscribed any more. Work that rejects ends the stream: turn errors into values.
 *
 * @remarks Source: measured. With a consumer that stands still RxJS keeps everything it was given, and takes time for each
 * value that grows with their number, because it takes them off the front of an array.
 * @example
 * ```ts
 * notifications$.pipe(shedMap({ maxInFlight: 1, maxWaiting: 1_000, onDropped: count }, send)).subscribe();
 * ```
 */
export function shedMap<T, R>(
  options: ShedOptions<T>,
  work: (value: T, signal: AbortSignal) => Promise<R>,
): OperatorFunction<T, R> {
  return (source$) =>
    new Observable<R>((subscriber) => {
      const stop = new AbortController();
      const waiting = new Set<{ readonly value: T }>();
      let inFlight = 0;
      let isSourceDone = false;

      const start = (value: T): void => {
        inFlight += 1;
        work(value, stop.signal).then(
          (result) => {
            inFlight -= 1;
            subscriber.next(result);
            goOn();
          },
          (error: unknown) => subscriber.error(error),
        );
      };
      const goOn = (): void => {
        // The order of a set is that of arrival, and the first is taken out in constant time.
        const [next] = waiting;
        if (next !== undefined && !subscriber.closed) {
          waiting.delete(next);
          start(next.value);
        } else if (isSourceDone && inFlight === 0) subscriber.complete();
      };
      subscriber.add(
        source$.subscribe({
          next: (value) => {
            if (inFlight < options.maxInFlight) start(value);
            else if (waiting.size < options.maxWaiting) waiting.add({ value });
            else options.onDropped(value);
          },
          error: (error: unknown) => subscriber.error(error),
          complete: () => {
            isSourceDone = true;
            if (inFlight === 0) subscriber.complete();
          },
        }),
      );
      return () => {
        waiting.clear();
        stop.abort(new DOMException('nobody is subscribed any more', 'AbortError'));
      };
    });
}
