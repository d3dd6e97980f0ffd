import { describeError } from '../errors/lazarus-error.ts';
import type { Logger } from '../ports/logger.ts';

/** Those who want to be told about something. */
export interface Listeners<T> {
  /** Returns the unsubscribe function. */
  add(listener: (value: T) => void): () => void;
  /** Tells everybody; what a listener throws is logged and reaches nobody else. */
  tell(value: T): void;
}

/** Creates a list of listeners. */
export function createListeners<T>(log: Logger): Listeners<T> {
  const listeners = new Set<(value: T) => void>();
  return {
    add(listener) {
      // A function of its own for each call, so that one that is added twice is told twice.
      const entry = (value: T): void => listener(value);
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
    tell(value) {
      for (const listener of [...listeners]) {
        try {
          listener(value);
        } catch (error) {
          log.error('a listener failed', { error: describeError(error) });
        }
      }
    },
  };
}
