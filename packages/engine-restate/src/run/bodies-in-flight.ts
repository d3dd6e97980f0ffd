/**
 * The bodies that run in this process. Restate may execute a run a second time while the first execution still has a body
 * in flight (a node died, a connection broke); within one process the second waits until the first is done.
 */
export class BodiesInFlight {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Runs `work` after whatever runs under the same key. */
  async alone<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const own = (async () => {
      await before?.catch(() => undefined);
      return work();
    })();
    this.#tails.set(key, own);
    try {
      return await own;
    } finally {
      if (this.#tails.get(key) === own) this.#tails.delete(key);
    }
  }
}
