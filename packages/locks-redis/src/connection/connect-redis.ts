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
import type { Deadlines } from './deadlines.ts';
import { createDeadlines } from './deadlines.ts';
import { RedisConnectionOptions } from './options.ts';
import type { RedisClient } from './redis-client.ts';
import { CLIENT_EVENTS, evaluate, openClient } from './redis-client.ts';
import type { Script } from './script.ts';
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
  readonly args: readonly (string | number)[];
  readonly signal?: AbortSignal | undefined;
  /** Shorter than the deadline of the connection, milliseconds. */
  readonly deadlineMs?: number;
  /** Carried out whenever it arrives; for calls that do no harm when they are late. */
  readonly mayBeLate?: boolean;
  /** Waits for the configured replicas. */
  readonly confirm?: boolean;
  /** Called when an answer comes after the caller gave up, or replicas did not confirm it: gives back what was taken. */
  readonly undo?: (reply: ScriptReply) => void;
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
  #confirming: RedisClient | undefined;

  constructor(parts: ConnectionParts) {
    const { settings, clock } = parts;
    this.prefix = settings.prefix;
    this.deadlineMs = settings.deadlineMs;
    this.graceMs = settings.graceMs;
    this.#parts = parts;
    this.#clock = clock;
    this.#deadlines = createDeadlines(clock, settings.deadlineMs);
    this.#server = new ServerSession(parts);
    this.onEpoch = (listener) => this.#server.onEpoch(listener);
  }

  async run(script: Script, call: ScriptCall): Promise<ScriptReply> {
    const deadlineMs = Math.min(call.deadlineMs ?? this.deadlineMs, this.deadlineMs);
    try {
      const session = this.#server.ready;
      const isPlain = deadlineMs === this.deadlineMs && !this.#mustConfirm(call);
      if (session === undefined || !isPlain) return await this.#runWithin(script, call, deadlineMs);
      return await this.#runAtOnce(script, call, session);
    } catch (error) {
      if (call.signal?.aborted === true) throw error;
      throw storeError(call.code, this.#server.where, error, deadlineMs);
    }
  }

  #mustConfirm(call: ScriptCall): boolean {
    return call.confirm === true && this.#parts.settings.confirmReplicas > 0;
  }

  /** The usual way: the server is known, and the call shares its timer with all others. */
  #runAtOnce(script: Script, call: ScriptCall, session: Session): Promise<ScriptReply> {
    call.signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<ScriptReply>();
    const deadline = this.#deadlines.add(() => reject(missedDeadline(this.deadlineMs)));
    const onAbort = (): void => {
      deadline.isOver = true;
      reject(call.signal?.reason as Error);
    };
    const isInTime = (): boolean => {
      call.signal?.removeEventListener('abort', onAbort);
      if (deadline.isOver) return false;
      deadline.isOver = true;
      return true;
    };
    const onReply = (reply: ScriptReply): void => {
      const isWanted = isInTime();
      if (!isOtherServer(reply)) {
        if (isWanted) resolve(reply);
        else call.undo?.(reply);
      } else if (isWanted) {
        this.#server.forget(session);
        const restMs = Math.max(1, deadline.untilMs - this.#clock.monotonic());
        this.#runWithin(script, call, restMs).then(resolve, reject);
      }
    };
    call.signal?.addEventListener('abort', onAbort, { once: true });
    this.#send(script, call, this.#headOf(session, call, deadline.untilMs)).then(
      onReply,
      (error: unknown) => {
        isInTime();
        reject(error);
      },
    );
    return promise;
  }

  /** The patient way: waits for a connection, enters an epoch, and asks again when the server is another one. */
  #runWithin(script: Script, call: ScriptCall, deadlineMs: number): Promise<ScriptReply> {
    const untilMs = this.#clock.monotonic() + deadlineMs;
    return withTimeout(this.#clock, deadlineMs, call.signal, (signal) =>
      this.#attempt(script, call, untilMs, signal),
    );
  }

  #headOf(session: Session, call: ScriptCall, untilMs: number): readonly (string | number)[] {
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
      const reply = await this.#send(script, call, this.#headOf(session, call, untilMs), signal);
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
    head: readonly (string | number)[],
    signal?: AbortSignal,
  ): Promise<ScriptReply> {
    const keys = [this.#server.storeKey, ...call.keys];
    const args = [keys.length, ...keys, ...head, ...call.args];
    try {
      if (signal === undefined || !this.#mustConfirm(call)) {
        return (await evaluate(this.#parts.client, script, args, signal)) as ScriptReply;
      }
      return await this.#confirmed(script, call, args, signal);
    } catch (error) {
      this.#server.noticeError(error);
      throw error;
    }
  }

  /** WAIT speaks about the writes of its own connection and blocks it, so grants have one to themselves. */
  async #confirmed(
    script: Script,
    call: ScriptCall,
    args: readonly (string | number)[],
    signal: AbortSignal,
  ): Promise<ScriptReply> {
    const client = (this.#confirming ??= this.#openConfirming());
    await untilReady(client, signal);
    const wanted = this.#parts.settings.confirmReplicas;
    const reply = (await evaluate(client, script, args, signal)) as ScriptReply;
    // Nothing was taken, so nothing has to be kept.
    if (reply[0] !== 'granted') return reply;
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

function missedDeadline(deadlineMs: number): DOMException {
  return new DOMException(`no answer within ${deadlineMs} ms`, 'TimeoutError');
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
