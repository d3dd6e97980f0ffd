import type { Clock } from '@lazarus/core/ports';

/** What is still to come in a lab, and what went wrong in what has come. */
export interface LabAgenda {
  /** Does something after this time, milliseconds; a failure of it is the failure of the lab. */
  plan(afterMs: number, what: () => void | Promise<void>): void;
  readonly isEmpty: boolean;
  /** Remembers the first failure of what nobody waits for. */
  readonly fail: (cause: unknown) => void;
  /** @throws what failed first. */
  rethrow(): void;
}

/** Creates a {@link LabAgenda} without entries. */
export function createLabAgenda(clock: Pick<Clock, 'sleep'>): LabAgenda {
  let planned = 0;
  let failure: { readonly cause: unknown } | undefined;
  const fail = (cause: unknown): void => {
    failure ??= { cause };
  };
  return {
    plan: (afterMs, what) => {
      planned += 1;
      void clock
        .sleep(afterMs)
        .then(what)
        .catch(fail)
        .finally(() => {
          planned -= 1;
        });
    },
    get isEmpty() {
      return planned === 0;
    },
    fail,
    rethrow: () => {
      if (failure !== undefined) throw failure.cause;
    },
  };
}
