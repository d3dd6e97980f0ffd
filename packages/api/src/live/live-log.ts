import type { LiveEntry } from '@lazarus/core/stream';

/** What a source calls back. */
export interface LiveObserver {
  next(entry: LiveEntry): void;
  /** The source failed for good: nothing more comes. */
  error(error: unknown): void;
}

/** Where live entries come from; the `live$` of a pipeline is one. */
export interface LiveSource {
  subscribe(observer: LiveObserver): { unsubscribe(): void };
}

/** An entry with the id under which a reader can ask for what follows. */
export interface LiveEvent {
  readonly id: string;
  readonly entry: LiveEntry;
}

/** What a reader missed. */
export interface Replay {
  readonly events: readonly LiveEvent[];
  /** False when entries after the reader's last one are gone: they have to be read from `/v1/decisions`. */
  readonly complete: boolean;
}

/** The last entries, and whoever follows them. */
export interface LiveLog {
  /** Entries after the one with this id. */
  after(lastId: string): Replay;
  /** Calls back with every new entry; returns the unsubscribe function. */
  follow(listener: (event: LiveEvent) => void): () => void;
  close(): void;
}

/**
 * Keeps the last entries of a source, so that a reader that lost its connection goes on where it was. Bounded: `capacity`
 * entries, whatever happens. Keeps L5.
 *
 * @param options.origin - Distinguishes this process from an earlier one; ids of another origin are unknown here.
 * @param options.capacity - Entries kept, 1 or more.
 */
export function createLiveLog(
  source: LiveSource,
  options: {
    readonly origin: string;
    readonly capacity: number;
    readonly onError: (error: unknown) => void;
  },
): LiveLog {
  const kept: LiveEvent[] = [];
  const listeners = new Set<(event: LiveEvent) => void>();
  let count = 0;

  const subscription = source.subscribe({
    next(entry) {
      count += 1;
      const event = { id: `${options.origin}-${count}`, entry };
      kept.push(event);
      if (kept.length > options.capacity) kept.shift();
      for (const listener of [...listeners]) listener(event);
    },
    // Without this an error of the source would end the process, and the records would still be readable.
    error: options.onError,
  });

  return {
    after(lastId) {
      const { origin, sequence } = parseId(lastId);
      if (origin !== options.origin || sequence > count) return { events: [...kept], complete: false };
      const missed = count - sequence;
      return { events: missed === 0 ? [] : kept.slice(-missed), complete: missed <= kept.length };
    },
    follow(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      subscription.unsubscribe();
      listeners.clear();
    },
  };
}

function parseId(id: string): { readonly origin: string; readonly sequence: number } {
  const parts = /^(?<origin>.+)-(?<sequence>\d{1,15})$/.exec(id)?.groups;
  return { origin: parts?.origin ?? '', sequence: Number(parts?.sequence ?? 0) };
}
