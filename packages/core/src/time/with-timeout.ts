import type { Clock } from '../ports/clock.ts';

/** A reason that costs nothing: `abort()` alone makes an exception with a stack each time. */
const NO_LONGER_NEEDED = Symbol('no longer needed');

/** True for the error with which {@link withTimeout} ends work that took too long. */
export function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}

/**
 * Runs `work` with a signal that aborts after `timeoutMs` by the given clock, or when the outer signal aborts. The promise
 * settles at that moment even when `work` ignores its signal, so that nothing that hangs can hold a decision. No timer
 * and no listener is left behind.
 *
 * @param timeoutMs - 0 or more milliseconds.
 * @throws the outer signal's reason, a `TimeoutError` (see {@link isTimeout}), or what `work` throws.
 */
export async function withTimeout<T>(
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => T | PromiseLike<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const deadline = new AbortController();
  const timer = new AbortController();
  const onAbort = (): void => deadline.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  clock.sleep(timeoutMs, { signal: timer.signal }).then(
    () => deadline.abort(new DOMException(`no answer within ${timeoutMs} ms`, 'TimeoutError')),
    () => undefined,
  );
  try {
    return await Promise.race([rejectWhenAborted(deadline.signal), work(deadline.signal)]);
  } finally {
    timer.abort(NO_LONGER_NEEDED);
    signal?.removeEventListener('abort', onAbort);
  }
}

function rejectWhenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
