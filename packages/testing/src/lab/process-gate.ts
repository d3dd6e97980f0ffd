import type { Action } from '@lazarus/dag';

/**
 * The life of a process that is simulated within this one: everything that it does passes the gate, which is closed while
 * the process is stopped, and for ever once it is dead. For the harnesses of engines.
 */
export class ProcessGate {
  #closed: Promise<void> | undefined;
  #open: () => void = () => undefined;

  /** Nothing passes any more. */
  close(): void {
    this.#closed ??= new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  /** What waits at the gate goes on. */
  open(): void {
    this.#open();
    this.#closed = undefined;
  }

  /** Resolves while the gate is open. */
  async pass(): Promise<void> {
    while (this.#closed !== undefined) await this.#closed;
  }
}

/** An action of such a process: it begins, and its result arrives, only while the process lives. */
export function gateAction(action: Action, gate: ProcessGate): Action {
  const { check } = action;
  const gated = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work;
    await gate.pass();
    return result;
  };
  return {
    ...action,
    run: async (input, context) => {
      await gate.pass();
      return gated(action.run(input, context));
    },
    ...(check === undefined ? {} : { check: (input, context) => gated(check(input, context)) }),
  };
}
