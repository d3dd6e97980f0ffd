/** The thread that owns the journal's file: it answers calls in their order, so what was asked first is on disk first. */
import { parentPort, workerData } from 'node:worker_threads';
import { openSqliteStore } from './sqlite-store.ts';
import type { SqliteStore } from './sqlite-store.ts';
import type { StoreCall, StoreReply } from './store-thread.ts';

const { file } = workerData as { readonly file: string };
let store: SqliteStore | undefined;

/** Opens the file at the first call, and again after it could not be opened: a disk may come back. */
function answer({ id, method, args }: StoreCall): StoreReply {
  try {
    store ??= openSqliteStore(file);
    const work = store[method] as (...all: readonly unknown[]) => unknown;
    const value = work.apply(store, [...args]);
    return { id, commits: store.commits, ok: true, value };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const isFatal = name === 'StoreInvariantError';
    return { id, commits: store?.commits ?? 0, ok: false, name, message, isFatal };
  }
}

parentPort?.on('message', (call: StoreCall) => parentPort?.postMessage(answer(call)));
