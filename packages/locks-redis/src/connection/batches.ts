/**
 * Collects the calls of one turn: those of one script and one group go to the server together, as one command, and each
 * gets its own answer. Under load this is what makes a call cheap on both sides; a call that is alone travels alone.
 */
import type { Deadline, Deadlines } from './deadlines.ts';
import { missedDeadline } from './deadlines.ts';
import type { BatchScript } from './script.ts';
import type { Session } from './server-session.ts';
import type { StoreErrorCode } from './store-errors.ts';

/** The answer to one call: a whole number, or the word that says what happened, and the rest. */
export type ItemReply = number | readonly unknown[];

/** What all calls of a group have in common. */
export interface SharedParts {
  readonly keys: readonly string[];
  readonly args: (session: Session) => readonly (string | number)[];
  /** Carried out whenever they arrive; for calls that do no harm when they are late. */
  readonly mayBeLate?: boolean;
}

/** One call that may share its way with others. */
export interface BatchedCall<T = unknown> {
  readonly code: StoreErrorCode;
  /** Names what it has in common with others. */
  readonly group: string;
  /** Looked up once for all calls of a group. */
  readonly shared: (group: string) => SharedParts;
  /** Its own part, as the script expects it. */
  readonly values: readonly (string | number)[];
  /** Reads its answer, given by the server of this session. */
  readonly read: (reply: ItemReply, session: Session) => T;
  readonly signal?: AbortSignal | undefined;
  /** Shorter than the deadline of the connection, milliseconds. */
  readonly deadlineMs?: number;
  /** Waits for the configured replicas when the answer says that something was taken. */
  readonly confirm?: ((answer: T) => boolean) | undefined;
  /** Called when an answer comes after the caller gave up, or replicas did not confirm it: gives back what was taken. */
  readonly undo?: (answer: T) => void;
}

/** A call on its way, and whoever waits for its answer. */
export class WaitingCall implements Deadline {
  readonly script: BatchScript;
  readonly call: BatchedCall;
  readonly untilMs: number;
  readonly promise: Promise<unknown>;
  earlier: Deadline | undefined;
  later: Deadline | undefined;
  #isOver = false;
  readonly #deadlines: Deadlines;
  readonly #toError: (code: StoreErrorCode, cause: unknown) => unknown;
  #resolve!: (answer: unknown) => void;
  #reject!: (error: unknown) => void;
  readonly #onAbort: (() => void) | undefined;

  constructor(
    script: BatchScript,
    call: BatchedCall,
    untilMs: number,
    deadlines: Deadlines,
    /** Makes what went wrong the error of the port. */
    toError: (code: StoreErrorCode, cause: unknown) => unknown,
  ) {
    this.script = script;
    this.call = call;
    this.untilMs = untilMs;
    this.#deadlines = deadlines;
    this.#toError = toError;
    deadlines.add(this);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { signal } = call;
    if (signal === undefined) return;
    this.#onAbort = () => {
      this.#end();
      this.#reject(signal.reason);
    };
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** True once the caller no longer waits. */
  get isOver(): boolean {
    return this.#isOver;
  }

  onMissed(): void {
    this.#end();
    this.#reject(this.#toError(this.call.code, missedDeadline()));
  }

  /** Gives the answer to the caller; one that comes too late is undone. */
  settle(reply: ItemReply, session: Session): void {
    const answer = this.call.read(reply, session);
    if (this.#isOver) {
      this.call.undo?.(answer);
    } else {
      this.#end();
      this.#resolve(answer);
    }
  }

  /** Somebody else asks for it: the caller waits for that answer. */
  follow(answer: Promise<unknown>): void {
    this.#end();
    this.#resolve(answer);
  }

  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#end();
    this.#reject(this.#toError(this.call.code, error));
  }

  #end(): void {
    this.#isOver = true;
    this.#deadlines.remove(this);
    if (this.#onAbort !== undefined) this.call.signal?.removeEventListener('abort', this.#onAbort);
  }
}

/** Calls that travel together. */
export interface Batch {
  readonly script: BatchScript;
  /** The server that they were meant for. */
  readonly session: Session;
  readonly shared: SharedParts;
  readonly calls: WaitingCall[];
}

/** Most calls in one command, so that no script runs for long. */
const MAX_CALLS = 128;

/** Collects calls, and sends what it has at the end of the turn. */
export class Batches {
  readonly #send: (batch: Batch) => void;
  readonly #open = new Map<BatchScript, Map<string, Batch>>();
  #isScheduled = false;

  constructor(send: (batch: Batch) => void) {
    this.#send = send;
  }

  add(waiting: WaitingCall, session: Session): void {
    const { script } = waiting;
    const { group, shared } = waiting.call;
    const groups = this.#groupsOf(script);
    let batch = groups.get(group);
    if (batch?.session !== session || batch.calls.length >= MAX_CALLS) {
      if (batch !== undefined) this.#send(batch);
      batch = { script, session, shared: shared(group), calls: [] };
      groups.set(group, batch);
    }
    batch.calls.push(waiting);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // After the microtasks, so that whoever was answered just now can ask again within the same turn.
    process.nextTick(this.#flush);
  }

  #groupsOf(script: BatchScript): Map<string, Batch> {
    const known = this.#open.get(script);
    if (known !== undefined) return known;
    const groups = new Map<string, Batch>();
    this.#open.set(script, groups);
    return groups;
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    for (const groups of this.#open.values()) {
      for (const batch of groups.values()) this.#send(batch);
      groups.clear();
    }
  };
}
