import type { Answer } from '../ports/answer.ts';
import type { Clock } from '../ports/clock.ts';
import { isLater } from './answered.ts';
import { withTimeout } from './with-timeout.ts';

/** Turns of the event loop's microtasks that an answer may take before a timer is started for it. */
const TURNS = 16;

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
 * timer nor a signal, and one that answers without a promise is not waited for. One that does not answer within a few
 * microtasks gets both, and ends in time in the same way.
 *
 * @param timeoutMs - 0 or more milliseconds.
 * @throws the outer signal's reason, a `TimeoutError` (see `isTimeout`), or what `work` throws.
 */
export function withinDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  outer: AbortSignal | undefined,
  work: (call: DeadlineCall) => Answer<T>,
): Answer<T> {
  if (outer?.aborted === true) return Promise.reject(outer.reason as Error);
  const call = new LazyCall();
  const answer = work(call);
  return isLater(answer) ? settledInTime(clock, timeoutMs, outer, call, Promise.resolve(answer)) : answer;
}

async function settledInTime<T>(
  clock: Clock,
  timeoutMs: number,
  outer: AbortSignal | undefined,
  call: LazyCall,
  answer: Promise<T>,
): Promise<T> {
  const early = { isSettled: false };
  const settle = (): void => {
    early.isSettled = true;
  };
  answer.then(settle, settle);
  for (let turn = 0; turn < TURNS && !early.isSettled; turn += 1) await NEXT_TURN;
  if (early.isSettled) return await answer;
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
