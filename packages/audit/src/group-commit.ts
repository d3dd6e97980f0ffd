/** Collects items of one turn of the event loop and writes them together. */
export interface GroupCommit<T> {
  /** Resolves once the item's batch is durable; rejects when the batch was not written. */
  add(item: T): Promise<void>;
  /** Waits until everything added so far has been written or refused. */
  drained(): Promise<void>;
}

interface Waiting<T> {
  readonly item: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes a group commit: what arrives in one turn shares one transaction and one flush to disk. `write` is synchronous
 * and all-or-nothing.
 */
export function createGroupCommit<T>(write: (batch: readonly T[]) => void): GroupCommit<T> {
  let queue: Waiting<T>[] = [];
  let idle: Promise<void> = Promise.resolve();

  const flush = (): void => {
    const batch = queue;
    queue = [];
    try {
      write(batch.map((waiting) => waiting.item));
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
      return;
    }
    for (const waiting of batch) waiting.resolve();
  };

  return {
    add: (item) =>
      new Promise<void>((resolve, reject) => {
        if (queue.push({ item, resolve, reject }) > 1) return;
        idle = new Promise((done) => {
          setImmediate(() => {
            flush();
            done();
          });
        });
      }),
    drained: () => idle,
  };
}
