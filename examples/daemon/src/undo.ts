import { describeError } from '@lazarus/core';
import type { Logger } from '@lazarus/core/ports';

/** What has been opened, to be closed in the opposite order. */
export interface Undo {
  /** Remembers how a thing is closed, and returns the thing. */
  readonly onClose: <T>(thing: T, close: (thing: T) => Promise<void> | void) => T;
  /** Closes everything; a part that fails keeps none of the others from being closed. @throws AggregateError. */
  readonly close: () => Promise<void>;
}

/** Nothing is open yet. */
export function createUndo(): Undo {
  const steps: (() => Promise<void> | void)[] = [];
  return {
    onClose: (thing, close) => {
      steps.unshift(() => close(thing));
      return thing;
    },
    close: async () => {
      const failures: unknown[] = [];
      for (const step of steps.splice(0)) {
        try {
          await step();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, 'some parts could not be closed');
    },
  };
}

/** Opens parts; when one cannot be opened, those before it are closed again. */
export async function openOrUndo<T>(log: Logger, open: (undo: Undo) => Promise<T>): Promise<T> {
  const undo = createUndo();
  try {
    return await open(undo);
  } catch (error) {
    await undo
      .close()
      .catch((problem: unknown) =>
        log.warn('not everything could be closed', { error: describeError(problem) }),
      );
    throw error;
  }
}
