import { describeError } from '@lazarus/core';
import type { Clock, Locks, Logger, RunRequest } from '@lazarus/core/ports';
import { RunLock } from '@lazarus/dag';
import type { LeaseLostError } from '@lazarus/core';

/** What the locks of runs need. */
export interface RunLocksPorts {
  readonly locks: Locks | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly ttlMs: number;
  readonly waitMs: number;
  /** Aborts when the engine closes. */
  readonly closing: AbortSignal;
}

interface Held {
  readonly lock: RunLock;
  onLost: (error: LeaseLostError) => void;
  /** Gives it back when no execution comes. */
  idle?: AbortController;
}

/**
 * The locks of the runs of this process. A lock belongs to the run and outlives its executions: the next one finds it held,
 * or lost. When the run goes on elsewhere, the lock is left to whoever drives it there. Keeps S4.
 */
export class RunLocks {
  readonly #ports: RunLocksPorts;
  readonly #held = new Map<string, Held>();

  constructor(ports: RunLocksPorts) {
    this.#ports = ports;
  }

  /** The lock of a run for an execution that begins. */
  take(request: RunRequest, onLost: (error: LeaseLostError) => void): RunLock {
    const known = this.#held.get(request.runId);
    if (known !== undefined) {
      known.idle?.abort();
      delete known.idle;
      known.onLost = onLost;
      return known.lock;
    }
    const { locks, clock, ttlMs, waitMs } = this.#ports;
    const held: Held = {
      onLost,
      lock: new RunLock({
        locks,
        clock,
        target: request.lock,
        holder: request.runId,
        ttlMs,
        waitMs,
        onLost: (error) => held.onLost(error),
      }),
    };
    this.#held.set(request.runId, held);
    return held.lock;
  }

  /** An execution ended and the run did not: another one comes, here or elsewhere. */
  leave(runId: string): void {
    const held = this.#held.get(runId);
    if (held === undefined) return;
    held.onLost = () => undefined;
    held.idle?.abort();
    const idle = (held.idle = new AbortController());
    const { clock, ttlMs, closing } = this.#ports;
    clock.sleep(ttlMs, { signal: AbortSignal.any([idle.signal, closing]) }).then(
      () => this.release(runId),
      () => undefined,
    );
  }

  /** The run has ended. A lock that cannot be given back expires. */
  async release(runId: string): Promise<void> {
    const held = this.#held.get(runId);
    if (held === undefined) return;
    this.#held.delete(runId);
    held.idle?.abort();
    await held.lock.release().catch((error: unknown) => {
      this.#ports.log.warn('a lock was not released; it expires', {
        run_id: runId,
        error: describeError(error),
      });
    });
  }
}
