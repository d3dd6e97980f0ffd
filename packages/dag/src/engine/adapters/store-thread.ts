import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { SqliteStore } from './sqlite-store.ts';

/** Methods of a store that can be asked for over a channel. */
export type StoreMethod = Exclude<keyof SqliteStore, 'commits'>;

/** A question to the thread. */
export interface StoreCall {
  readonly id: number;
  readonly method: StoreMethod;
  readonly args: readonly unknown[];
}

/** Its answer. */
export type StoreReply = {
  readonly id: number;
  readonly commits: number;
} & (
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly name: string; readonly message: string; readonly isFatal: boolean }
);

/** A store behind promises, wherever it runs. */
export interface AsyncStore {
  call<M extends StoreMethod>(
    method: M,
    ...args: Parameters<SqliteStore[M]>
  ): Promise<ReturnType<SqliteStore[M]>>;
  readonly commits: number;
  close(): Promise<void>;
}

/** The store did not answer, or its thread ended. */
export class StoreThreadError extends Error {
  override readonly name = 'StoreThreadError';
}

interface Pending {
  readonly sentAtMs: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Longest wait for an answer, milliseconds: a disk that hangs is a journal that failed, and people are told. Longer than
 * SQLite waits for another process.
 */
export const STORE_ANSWERS_WITHIN_MS = 15_000;

// From the sources this file lies beside the worker; in the build all code lies in `dist`, and the worker has its own entry.
const FROM_SOURCE = new URL('./journal-worker.ts', import.meta.url);
const FROM_BUILD = new URL('./engine/adapters/journal-worker.js', import.meta.url);

/** Where the code of the thread is; `undefined` when a bundler has left it behind. */
export function findWorker(): URL | undefined {
  return [FROM_SOURCE, FROM_BUILD].find((url) => url.protocol === 'file:' && existsSync(fileURLToPath(url)));
}

/**
 * A store on a thread of its own, so that no fsync ever holds up the event loop. Calls are answered in their order. A
 * thread that ended is started again by the next call. It keeps the process alive only while it owes an answer.
 */
export class StoreThread implements AsyncStore {
  readonly #worker: URL;
  readonly #file: string;
  readonly #withinMs: number;
  readonly #pending = new Map<number, Pending>();
  #thread: Worker | undefined;
  #lastId = 0;
  #commits = 0;
  #commitsBefore = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(worker: URL, file: string, withinMs = STORE_ANSWERS_WITHIN_MS) {
    this.#worker = worker;
    this.#file = file;
    this.#withinMs = withinMs;
  }

  get commits(): number {
    return this.#commitsBefore + this.#commits;
  }

  call<M extends StoreMethod>(
    method: M,
    ...args: Parameters<SqliteStore[M]>
  ): Promise<ReturnType<SqliteStore[M]>> {
    // A thread that nobody ends would keep the file open.
    if (this.#isClosed) return Promise.reject(new StoreThreadError('the journal was closed'));
    return this.#ask(method, args);
  }

  #ask<M extends StoreMethod>(
    method: M,
    args: Parameters<SqliteStore[M]>,
  ): Promise<ReturnType<SqliteStore[M]>> {
    const thread = (this.#thread ??= this.#start());
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<ReturnType<SqliteStore[M]>>((resolve, reject) => {
      const pending = { sentAtMs: performance.now(), resolve: resolve as Pending['resolve'], reject };
      if (this.#pending.size === 0) thread.ref();
      this.#pending.set(id, pending);
      this.#timer ??= this.#expireIn(this.#withinMs);
      thread.postMessage({ id, method, args } satisfies StoreCall);
    });
  }

  /** Closes the file, then the thread; a thread that does not answer is ended. Calls are refused from now on. */
  async close(): Promise<void> {
    const thread = this.#thread;
    const wasClosed = this.#isClosed;
    this.#isClosed = true;
    if (thread === undefined || wasClosed) return;
    await this.#ask('close', []).catch(() => undefined);
    clearTimeout(this.#timer);
    this.#thread = undefined;
    await thread.terminate();
  }

  #start(): Worker {
    const thread = new Worker(this.#worker, {
      workerData: { file: this.#file },
      // Options of the program, such as --input-type, can be ones that no thread takes; built code needs none.
      ...(this.#worker.pathname.endsWith('.ts') ? {} : { execArgv: [] }),
    });
    thread.on('message', (reply: StoreReply) => this.#onReply(reply));
    thread.on('error', (error: Error) => this.#onEnd(thread, error.message));
    thread.on('exit', () => this.#onEnd(thread, 'it ended'));
    return thread;
  }

  #onReply(reply: StoreReply): void {
    this.#commits = reply.commits;
    const pending = this.#pending.get(reply.id);
    if (pending === undefined) return;
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) this.#thread?.unref();
    if (reply.ok) pending.resolve(reply.value);
    else
      pending.reject(Object.assign(new Error(reply.message), { name: reply.name, isFatal: reply.isFatal }));
  }

  #onEnd(thread: Worker, why: string): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    this.#commitsBefore += this.#commits;
    this.#commits = 0;
    this.#rejectAll(() => true, `the thread of the journal failed: ${why}`);
  }

  /** A process that was frozen for longer reads the answers that wait for it before it gives up on them. */
  #expireIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => setImmediate(() => this.#expire()), ms).unref();
  }

  /** Gives up on calls that are too old; a late answer is then of no interest. */
  #expire(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    this.#rejectAll(
      ({ sentAtMs }) => nowMs - sentAtMs >= this.#withinMs - 1,
      `the disk of the journal has not answered for ${this.#withinMs} ms`,
    );
    const [oldest] = this.#pending.values();
    if (oldest === undefined) return;
    const ms = Math.max(1, oldest.sentAtMs + this.#withinMs - nowMs);
    this.#timer = this.#expireIn(ms);
  }

  #rejectAll(which: (pending: Pending) => boolean, message: string): void {
    for (const [id, pending] of this.#pending) {
      if (!which(pending)) continue;
      this.#pending.delete(id);
      pending.reject(new StoreThreadError(message));
    }
    if (this.#pending.size === 0) this.#thread?.unref();
  }
}
