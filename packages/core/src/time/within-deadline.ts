import type { Clock } from '../ports/clock.ts';
import { withTimeout } from './with-timeout.ts';

/** Turns of the event loop's microtasks that an answer may take before a timer is started for it. */
const TURNS = 3;

const NEXT_TURN = Promise.resolve();

/** The signal of one call: made when somebody asks for it. */
export interface DeadlineCall {
  readonly signal: AbortSignal;
}

class LazyCall implements DeadlineCall {
  #controller: AbortController | undefined;

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  abort(reason: unknown): void {
    this.#controller?.abort(reason);
  }
}

/**
 * Like `withTimeout`, for calls that mostly answer at once, because what they ask is in memory: such a call costs neither a
 * timer nor a signal. One that does not answer within a few microtasks gets both, and ends in time in the same way.
 *
 * @param timeoutMs - 0 or more milliseconds.
 * @throws the outer signal's reason, a `TimeoutError` (see `isTimeout`), or what `work` throws.
 */
export async function withinDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  outer: AbortSignal | undefined,
  work: (call: DeadlineCall) => T | PromiseLike<T>,
): Promise<T> {
  outer?.throwIfAborted();
  const call = new LazyCall();
  const answer = Promise.resolve(work(call));
  const early: { outcome?: { readonly value: T } | { readonly error: unknown } } = {};
  answer.then(
    (value) => {
      early.outcome = { value };
    },
    (error: unknown) => {
      early.outcome = { error };
    },
  );
  for (let turn = 0; turn < TURNS && early.outcome === undefined; turn += 1) await NEXT_TURN;
  if (early.outcome !== undefined) {
    if ('error' in early.outcome) throw early.outcome.error;
    return early.outcome.value;
  }
  try {
    return await withTimeout(clock, timeoutMs, outer, (signal) => {
      signal.addEventListener('abort', () => call.abort(signal.reason), { once: true });
      return answer;
    });
  } catch (error) {
    call.abort(error);
    throw error;
  }
}
