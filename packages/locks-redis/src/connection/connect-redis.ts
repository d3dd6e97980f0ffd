/**
 * One connection to Redis for everything that the nodes share. It promises to the adapters that
 *
 *  - a call ends within its deadline, with an answer or a `PortError`, whatever Redis does;
 *  - a call that was given up is not carried out later (the server compares its clock with the call's last instant);
 *  - a call is carried out by the server whose epoch is known, or not at all: a server that was restarted, promoted or
 *    emptied has another identity, which starts a new epoch before anything else happens;
 *  - it connects again by itself, for ever.
 */
import { ConfigurationError, describeError, PortError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import { withTimeout } from '@lazarus/core/time';
import type { Clock, Logger } from '@lazarus/core/ports';
import type { z } from 'zod';
import type { Batch, BatchedCall, ItemReply } from './batches.ts';
import { Batches, WaitingCall } from './batches.ts';
import type { Deadlines } from './deadlines.ts';
import { createDeadlines } from './deadlines.ts';
import { RedisConnectionOptions } from './options.ts';
import type { RedisClient } from './redis-client.ts';
import { CLIENT_EVENTS, evaluate, openClient } from './redis-client.ts';
import type { BatchScript, Script } from './script.ts';
import { encodeRequests } from './script.ts';
import type { ConnectionParts, Session } from './server-session.ts';
import { ServerSession } from './server-session.ts';
import type { StoreErrorCode } from './store-errors.ts';
import { storeError } from './store-errors.ts';

/** The state of the store as this connection sees it. */
export type RedisHealth =
  | {
      readonly ok: true;
      /** Grows whenever the store may have lost state. */
      readonly epoch: number;
      readonly version: string;
      readonly replicas: number;
      /** Whether the server keeps an append-only file: without one a restart loses what the nodes do not know. */
      readonly appendOnly: boolean;
    }
  | { readonly ok: false; readonly reason: string };

/** One call of a script. */
export interface ScriptCall {
  readonly code: StoreErrorCode;
  readonly keys: readonly string[];
  /** Its own arguments, which may say what is known about the server. */
  readonly args: readonly (string | number)[] | ((session: Session) => readonly (string | number)[]);
  readonly signal?: AbortSignal | undefined;
  /** Shorter than the deadline of the connection, milliseconds. */
  readonly deadlineMs?: number | undefined;
  /** Carried out whenever it arrives; for calls that do no harm when they are late. */
  readonly mayBeLate?: boolean | undefined;
  /** Waits for the configured replicas when the answer says that something was taken. */
  readonly confirm?: ((reply: ScriptReply) => boolean) | undefined;
  /** Called when an answer comes after the caller gave up, or replicas did not confirm it: gives back what was taken. */
  readonly undo?: ((reply: ScriptReply) => void) | undefined;
}

/** What a script answered: the word that says what happened, the instant on the server's clock, and the rest. */
export type ScriptReply = readonly [word: string, nowMs: number, ...rest: unknown[]];

/** The connection that the adapters share. Make it with {@link connectRedis}. */
export interface RedisConnection {
  readonly prefix: string;
  readonly deadlineMs: number;
  readonly graceMs: number;
  /** @internal Runs a script under the promises of the connection. */
  run(script: Script, call: ScriptCall): Promise<ScriptReply>;
  /** @internal The same for a call that can share its way with others of this turn. */
  ask<T>(script: BatchScript, call: BatchedCall<T>): Promise<T>;
  /** Calls back at every new epoch, and at once when there is one; returns the unsubscribe function. */
  onEpoch(listener: (epoch: number) => void): () => void;
  /** Looks at the server. Never rejects. */
  health(): Promise<RedisHealth>;
  /** Ends the connection; a client that was passed in is left open. */
  close(): Promise<void>;
}

/** No instant is later. */
const NEVER = Number.MAX_SAFE_INTEGER;
const MAX_ATTEMPTS = 4;

/**
 * Connects to Redis. Resolves at once, also while Redis is away: calls then reject within their deadline, which suspends
 * everything, and work again as soon as Redis does.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`, and `LZ_PORT_MISSING` when ioredis is not installed.
 */
export async function connectRedis(
  options: z.input<typeof RedisConnectionOptions> & {
    /** An ioredis client of your own, instead of `url`; closing it stays with you. */
    readonly client?: RedisClient;
    readonly clock: Clock;
    readonly log?: Logger;
    /** @internal Replaces the clock of the server in tests, milliseconds. */
    readonly serverNow?: () => number;
  },
): Promise<RedisConnection> {
  const { client, clock, log, serverNow, ...rest } = options;
  const settings = parseOptions('connectRedis', RedisConnectionOptions, rest);
  if ((settings.url === undefined) === (client === undefined)) {
    throw new ConfigurationError({
      code: 'LZ_OPTION_INVALID',
      summary: 'connectRedis was given options that it cannot use:',
      issues: [{ path: 'url', message: 'expected exactly one of url and client' }],
    });
  }
  const opened = client ?? (await openClient(settings.url ?? '', settings.deadlineMs));
  return new Connection({ client: opened, isOwn: client === undefined, settings, clock, log, serverNow });
}

class Connection implements RedisConnection {
  readonly prefix: string;
  readonly deadlineMs: number;
  readonly graceMs: number;
  readonly onEpoch: RedisConnection['onEpoch'];
  readonly #parts: ConnectionParts;
  readonly #server: ServerSession;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #batches: Batches;
  #confirming: RedisClient | undefined;

  constructor(parts: ConnectionParts) {
    const { settings, clock } = parts;
    this.prefix = settings.prefix;
    this.deadlineMs = settings.deadlineMs;
    this.graceMs = settings.graceMs;
    this.#parts = parts;
    this.#clock = clock;
    this.#deadlines = createDeadlines(clock);
    this.#batches = new Batches((batch) => void this.#sendBatch(batch));
    this.#server = new ServerSession(parts);
    this.onEpoch = (listener) => this.#server.onEpoch(listener);
  }

  async run(script: Script, call: ScriptCall): Promise<ScriptReply> {
    const deadlineMs = Math.min(call.deadlineMs ?? this.deadlineMs, this.deadlineMs);
    try {
      return await this.#runWithin(script, call, deadlineMs);
    } catch (error) {
      if (call.signal?.aborted === true) throw error;
      throw storeError(call.code, this.#server.where, error, deadlineMs);
    }
  }

  ask<T>(script: BatchScript, call: BatchedCall<T>): Promise<T> {
    const session = this.#server.ready;
    const isPlain =
      (call.deadlineMs ?? this.deadlineMs) >= this.deadlineMs &&
      (call.confirm === undefined || this.#parts.settings.confirmReplicas === 0);
    if (session === undefined || !isPlain) return this.#askAlone(script, call, call.deadlineMs);
    if (call.signal?.aborted === true) return Promise.reject(call.signal.reason as Error);
    const untilMs = this.#clock.monotonic() + this.deadlineMs;
    const waiting = new WaitingCall(script, call as BatchedCall, untilMs, this.#deadlines, this.#toError);
    this.#batches.add(waiting, session);
    return waiting.promise as Promise<T>;
  }

  readonly #toError = (code: StoreErrorCode, error: unknown): unknown =>
    storeError(code, this.#server.where, error, this.deadlineMs);

  async #askAlone<T>(script: BatchScript, call: BatchedCall<T>, deadlineMs: number | undefined): Promise<T> {
    const { code, signal, confirm, undo } = call;
    const shared = call.shared(call.group);
    const asked: Session[] = [];
    const read = ([, , reply]: ScriptReply): T => {
      const failed = failureOf(reply as ItemReply);
      if (failed !== undefined) throw failed;
      const [session] = asked;
      if (session === undefined) throw new Error('it was answered before it was asked');
      return call.read(reply as ItemReply, session);
    };
    const reply = await this.run(script, {
      code,
      keys: shared.keys,
      args: (session) => {
        asked[0] = session;
        return [...shared.args(session), encodeRequests(call.values)];
      },
      mayBeLate: shared.mayBeLate,
      signal,
      deadlineMs,
      confirm: confirm && ((answer) => confirm(read(answer))),
      undo: undo && ((answer) => undo(read(answer))),
    });
    try {
      return read(reply);
    } catch (error) {
      this.#server.noticeError(error);
      throw this.#toError(code, error);
    }
  }

  async #sendBatch({ script, session, shared, calls }: Batch): Promise<void> {
    try {
      const keys = [this.#server.storeKey, ...shared.keys];
      const untilMs = calls[0]?.untilMs ?? 0;
      const head = [...this.#headOf(session, shared, untilMs), ...shared.args(session)];
      const requests = encodeRequests(calls.flatMap(({ call }) => call.values));
      const args = [keys.length, ...keys, ...head, requests];
      const reply = await evaluate(this.#parts.client, script, args);
      this.#onReplies(reply as ScriptReply, session, calls);
    } catch (error) {
      this.#server.noticeError(error);
      for (const waiting of calls) waiting.fail(error);
    }
  }

  #onReplies(reply: ScriptReply, session: Session, calls: readonly WaitingCall[]): void {
    if (isOtherServer(reply)) {
      this.#server.forget(session);
      const nowMs = this.#clock.monotonic();
      for (const waiting of calls.filter(({ isOver }) => !isOver))
        waiting.follow(this.#askAlone(waiting.script, waiting.call, Math.max(1, waiting.untilMs - nowMs)));
      return;
    }
    for (const [at, waiting] of calls.entries()) {
      const answer = reply[at + 2] as ItemReply;
      const failed = failureOf(answer);
      if (failed === undefined) {
        waiting.settle(answer, session);
      } else {
        this.#server.noticeError(failed);
        waiting.fail(failed);
      }
    }
  }

  /** The patient way: waits for a connection, enters an epoch, and asks again when the server is another one. */
  #runWithin(script: Script, call: ScriptCall, deadlineMs: number): Promise<ScriptReply> {
    const untilMs = this.#clock.monotonic() + deadlineMs;
    return withTimeout(this.#clock, deadlineMs, call.signal, (signal) =>
      this.#attempt(script, call, untilMs, signal),
    );
  }

  #headOf(
    session: Session,
    call: { readonly mayBeLate?: boolean | undefined },
    untilMs: number,
  ): readonly (string | number)[] {
    const notAfterMs = call.mayBeLate === true ? NEVER : Math.ceil(untilMs + session.offsetMs);
    return [session.record, notAfterMs, this.#parts.serverNow?.() ?? ''];
  }

  async #attempt(
    script: Script,
    call: ScriptCall,
    untilMs: number,
    signal: AbortSignal,
  ): Promise<ScriptReply> {
    for (let attempt = 1; ; attempt += 1) {
      const session = await this.#server.within(signal);
      const own = typeof call.args === 'function' ? call.args(session) : call.args;
      const args = [...this.#headOf(session, call, untilMs), ...own];
      const reply = await this.#send(script, call, args, signal);
      if (!isOtherServer(reply)) {
        if (!signal.aborted) return reply;
        call.undo?.(reply);
      }
      signal.throwIfAborted();
      if (attempt >= MAX_ATTEMPTS) throw new Error(`the server keeps answering "${reply[0]}"`);
      // Another server, or a clock that was set: look again who it is and what its time is.
      this.#server.forget(session);
    }
  }

  async #send(
    script: Script,
    call: ScriptCall,
    own: readonly (string | number)[],
    signal: AbortSignal,
  ): Promise<ScriptReply> {
    const keys = [this.#server.storeKey, ...call.keys];
    const args = [keys.length, ...keys, ...own];
    try {
      if (call.confirm !== undefined && this.#parts.settings.confirmReplicas > 0)
        return await this.#confirmed(script, { ...call, confirm: call.confirm }, args, signal);
      return (await evaluate(this.#parts.client, script, args, signal)) as ScriptReply;
    } catch (error) {
      this.#server.noticeError(error);
      throw error;
    }
  }

  /** WAIT speaks about the writes of its own connection and blocks it, so grants have one to themselves. */
  async #confirmed(
    script: Script,
    call: ScriptCall & Required<Pick<ScriptCall, 'confirm'>>,
    args: readonly (string | number)[],
    signal: AbortSignal,
  ): Promise<ScriptReply> {
    const client = (this.#confirming ??= this.#openConfirming());
    await untilReady(client, signal);
    const wanted = this.#parts.settings.confirmReplicas;
    const reply = (await evaluate(client, script, args, signal)) as ScriptReply;
    // Nothing was taken, so nothing has to be kept.
    if (call.confirm?.(reply) !== true) return reply;
    const received = Number(await client.call('WAIT', wanted, Math.ceil(this.deadlineMs / 2)));
    if (received >= wanted) return reply;
    call.undo?.(reply);
    throw new PortError({
      code: call.code,
      message: `Redis at ${this.#server.where}: ${received} of ${wanted} replicas confirmed the grant, so it does not count`,
      details: { reply: 'none', replicas: received },
      retryable: true,
    });
  }

  #openConfirming(): RedisClient {
    const client = this.#parts.client.duplicate({ enableAutoPipelining: false });
    client.on('error', this.#server.noticeError);
    return client;
  }

  async health(): Promise<RedisHealth> {
    try {
      const { info, epoch } = await withTimeout(this.#clock, this.deadlineMs, undefined, async (signal) => {
        await this.#server.within(signal);
        return this.#server.enter();
      });
      const { version, replicas, appendOnly } = info;
      return { ok: true, epoch, version, replicas, appendOnly };
    } catch (error) {
      return { ok: false, reason: `${describeError(error)}; last error: ${this.#server.lastError}` };
    }
  }

  async close(): Promise<void> {
    this.#deadlines.close();
    this.#confirming?.disconnect();
    this.#server.close();
  }
}

/** What a command within a script failed with, if this is no answer. */
function failureOf(reply: ItemReply): Error | undefined {
  return typeof reply === 'object' && reply[0] === 'error' ? new Error(String(reply[1])) : undefined;
}

/** Nothing was done: the server is another one than the caller thought, or its time is. */
function isOtherServer([word]: ScriptReply): boolean {
  return word === 'moved' || word === 'late';
}

async function untilReady(client: RedisClient, signal: AbortSignal): Promise<void> {
  while (client.status !== 'ready') {
    await new Promise<void>((resolve, reject) => {
      const done = (): void => {
        for (const event of CLIENT_EVENTS) client.off(event, done);
        resolve();
      };
      for (const event of CLIENT_EVENTS) client.on(event, done);
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  }
}
