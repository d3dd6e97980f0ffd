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
import { ENTER } from './enter-script.ts';
import { RedisConnectionOptions } from './options.ts';
import type { RedisClient } from './redis-client.ts';
import { openClient } from './redis-client.ts';
import type { Script } from './script.ts';
import type { ServerInfo } from './server-info.ts';
import { parseServerInfo, whyUnfit } from './server-info.ts';
import type { StoreErrorCode } from './store-errors.ts';
import { replyWord, storeError } from './store-errors.ts';

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

/** What is known about the server at the other end of the present connection. */
interface Session {
  readonly info: ServerInfo;
  readonly epoch: number;
  /** The store record, word for word. */
  readonly record: string;
  /** Highest possible difference between the server's clock and our monotonic one. */
  readonly offsetMs: number;
  readonly enteredAtMs: number;
}

interface ConnectionParts {
  readonly client: RedisClient;
  /** Whether the client was made here. */
  readonly isOwn: boolean;
  readonly settings: z.output<typeof RedisConnectionOptions>;
  readonly clock: Clock;
  readonly log: Logger | undefined;
  readonly serverNow: (() => number) | undefined;
}

const INSPECT_EVERY_MS = 30_000;
const EVENTS = ['ready', 'close', 'end'] as const;
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
  readonly #client: RedisClient;
  readonly #parts: ConnectionParts;
  readonly #settings: z.output<typeof RedisConnectionOptions>;
  readonly #clock: Clock;
  readonly #listeners = new Set<(epoch: number) => void>();
  #waiting: (() => void)[] = [];
  #session: Session | undefined;
  #entering: Promise<Session> | undefined;
  #confirming: RedisClient | undefined;
  readonly #deadlines: Deadlines;
  #highestEpoch = 0;
  #lastError = 'it was never reached';
  #isClosed = false;

  constructor(parts: ConnectionParts) {
    const { client, settings, clock } = parts;
    this.prefix = settings.prefix;
    this.deadlineMs = settings.deadlineMs;
    this.graceMs = settings.graceMs;
    this.#client = client;
    this.#parts = parts;
    this.#settings = settings;
    this.#clock = clock;
    this.#deadlines = createDeadlines(clock, settings.deadlineMs);
    for (const event of EVENTS) client.on(event, this.#onChange);
    client.on('error', this.#onError);
    this.#onChange();
  }

  readonly #onChange = (): void => {
    if (this.#client.status !== 'ready') this.#session = undefined;
    // Entering at once, not at the first call: nodes then add what they know during the grace.
    else this.#enter().catch((error: unknown) => (this.#lastError = describeError(error)));
    for (const resume of this.#waiting.splice(0)) resume();
  };

  readonly #onError = (error: Error): void => {
    this.#lastError = describeError(error);
  };

  async run(script: Script, call: ScriptCall): Promise<ScriptReply> {
    const deadlineMs = Math.min(call.deadlineMs ?? this.deadlineMs, this.deadlineMs);
    try {
      const session = this.#session;
      const isPlain = deadlineMs === this.deadlineMs && !this.#mustConfirm(call) && !this.#isClosed;
      if (isPlain && session !== undefined && this.#client.status === 'ready') {
        this.#inspectSometimes(session);
        return await this.#runAtOnce(script, call, session);
      }
      return await this.#runWithin(script, call, deadlineMs);
    } catch (error) {
      if (call.signal?.aborted === true) throw error;
      throw storeError(call.code, this.#where(), error, deadlineMs);
    }
  }

  #mustConfirm(call: ScriptCall): boolean {
    return call.confirm === true && this.#settings.confirmReplicas > 0;
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
        if (this.#session === session) this.#session = undefined;
        const restMs = Math.max(1, deadline.untilMs - this.#clock.monotonic());
        this.#runWithin(script, call, restMs).then(resolve, reject);
      }
    };
    call.signal?.addEventListener('abort', onAbort, { once: true });
    this.#send(script, call, this.#headOf(session, call, deadline.untilMs)).then(
      onReply,
      (error: unknown) => {
        isInTime();
        reject(error as Error);
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
      const session = await this.#sessionWithin(signal);
      const reply = await this.#send(script, call, this.#headOf(session, call, untilMs), signal);
      if (!isOtherServer(reply)) {
        if (!signal.aborted) return reply;
        call.undo?.(reply);
      }
      signal.throwIfAborted();
      if (attempt >= MAX_ATTEMPTS) throw new Error(`the server keeps answering "${reply[0]}"`);
      // Another server, or a clock that was set: look again who it is and what its time is.
      if (this.#session === session) this.#session = undefined;
    }
  }

  async #send(
    script: Script,
    call: ScriptCall,
    head: readonly (string | number)[],
    signal?: AbortSignal,
  ): Promise<ScriptReply> {
    const keys = [this.#storeKey(), ...call.keys];
    const args = [keys.length, ...keys, ...head, ...call.args];
    try {
      if (signal === undefined || !this.#mustConfirm(call)) {
        return (await evaluate(this.#client, script, args, signal)) as ScriptReply;
      }
      return await this.#confirmed(script, call, args, signal);
    } catch (error) {
      this.#noticeFailure(error);
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
    const wanted = this.#settings.confirmReplicas;
    const reply = (await evaluate(client, script, args, signal)) as ScriptReply;
    if (isOtherServer(reply)) return reply;
    const received = Number(await client.call('WAIT', wanted, Math.ceil(this.deadlineMs / 2)));
    if (received >= wanted) return reply;
    call.undo?.(reply);
    throw new PortError({
      code: call.code,
      message: `Redis at ${this.#where()}: ${received} of ${wanted} replicas confirmed the grant, so it does not count`,
      details: { reply: 'none', replicas: received },
      retryable: true,
    });
  }

  #openConfirming(): RedisClient {
    const client = this.#client.duplicate({ enableAutoPipelining: false });
    client.on('error', this.#onError);
    return client;
  }

  /** The session of the present connection, as soon as there is one. */
  async #sessionWithin(signal: AbortSignal): Promise<Session> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#isClosed || this.#client.status === 'end') throw new Error('the connection was closed');
      if (this.#session !== undefined) {
        this.#inspectSometimes(this.#session);
        return this.#session;
      }
      if (this.#client.status === 'ready') {
        return await this.#enter();
      } else {
        await new Promise<void>((resolve, reject) => {
          this.#waiting.push(resolve);
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        });
      }
    }
  }

  #enter(): Promise<Session> {
    this.#entering ??= this.#enterOnce().finally(() => (this.#entering = undefined));
    return this.#entering;
  }

  async #enterOnce(): Promise<Session> {
    const info = parseServerInfo(
      await withTimeout(this.#clock, this.deadlineMs, undefined, async () =>
        String(await this.#client.call('INFO')),
      ),
    );
    const reason = whyUnfit(info);
    if (reason !== undefined) throw this.#refuse(reason, info);
    const sentAtMs = this.#clock.monotonic();
    const [nowMs, epoch, record] = (await withTimeout(this.#clock, this.deadlineMs, undefined, () =>
      evaluate(this.#client, ENTER, [
        1,
        this.#storeKey(),
        info.identity,
        this.#highestEpoch,
        this.#settings.graceMs,
      ]),
    )) as [number, number, string];
    const session = { info, epoch, record, offsetMs: nowMs - sentAtMs, enteredAtMs: sentAtMs };
    this.#session = session;
    if (epoch > this.#highestEpoch) this.#announce(epoch, info);
    return session;
  }

  #refuse(reason: string, info: ServerInfo): PortError {
    this.#session = undefined;
    if (info.role === 'slave') this.#reconnect();
    const message = `Redis at ${this.#where()} cannot be used: ${reason}`;
    this.#lastError = message;
    return new PortError({
      code: 'LZ_LOCK_UNAVAILABLE',
      message,
      details: {
        reply: info.role === 'slave' ? 'READONLY' : 'none',
        maxmemory_policy: info.evictionPolicy,
      },
      retryable: info.role === 'slave',
    });
  }

  #announce(epoch: number, info: ServerInfo): void {
    this.#highestEpoch = epoch;
    this.#parts.log?.info('a Redis epoch began for this node', {
      epoch,
      version: info.version,
      replicas: info.replicas,
      append_only: info.appendOnly,
    });
    for (const listener of this.#listeners) listener(epoch);
  }

  #inspectSometimes(session: Session): void {
    if (this.#clock.monotonic() - session.enteredAtMs < INSPECT_EVERY_MS) return;
    this.#enter().catch((error: unknown) => (this.#lastError = describeError(error)));
  }

  #noticeFailure(error: unknown): void {
    this.#lastError = describeError(error);
    if (replyWord(error) !== 'READONLY') return;
    // Demoted behind our back: the name in the address may lead to the new primary by now.
    this.#session = undefined;
    this.#reconnect();
  }

  #reconnect(): void {
    if (!this.#parts.isOwn || this.#isClosed) return;
    this.#client.disconnect(true);
    this.#confirming?.disconnect(true);
  }

  onEpoch(listener: (epoch: number) => void): () => void {
    this.#listeners.add(listener);
    if (this.#highestEpoch > 0) listener(this.#highestEpoch);
    return () => void this.#listeners.delete(listener);
  }

  async health(): Promise<RedisHealth> {
    try {
      const { info, epoch } = await withTimeout(this.#clock, this.deadlineMs, undefined, async (signal) => {
        await this.#sessionWithin(signal);
        return this.#enter();
      });
      const { version, replicas, appendOnly } = info;
      return { ok: true, epoch, version, replicas, appendOnly };
    } catch (error) {
      return { ok: false, reason: `${describeError(error)}; last error: ${this.#lastError}` };
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#deadlines.close();
    for (const event of EVENTS) this.#client.off(event, this.#onChange);
    for (const resume of this.#waiting.splice(0)) resume();
    this.#listeners.clear();
    this.#confirming?.disconnect();
    if (this.#parts.isOwn) this.#client.disconnect();
  }

  #storeKey(): string {
    return `{${this.prefix}}:store`;
  }

  #where(): string {
    const { url } = this.#settings;
    if (url === undefined) return 'the given client';
    // Never the password.
    return url.replace(/^(rediss?:\/\/)[^@/]*@/, '$1');
  }
}

function missedDeadline(deadlineMs: number): DOMException {
  return new DOMException(`no answer within ${deadlineMs} ms`, 'TimeoutError');
}

/** Nothing was done: the server is another one than the caller thought, or its time is. */
function isOtherServer([word]: ScriptReply): boolean {
  return word === 'moved' || word === 'late';
}

/** Runs a script by its digest; a server that does not know it is told once. */
async function evaluate(
  client: RedisClient,
  script: Script,
  args: readonly (string | number)[],
  signal?: AbortSignal,
): Promise<unknown> {
  try {
    return await client.call('EVALSHA', script.sha, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    signal?.throwIfAborted();
    return client.call('EVAL', script.source, ...args);
  }
}

async function untilReady(client: RedisClient, signal: AbortSignal): Promise<void> {
  while (client.status !== 'ready') {
    await new Promise<void>((resolve, reject) => {
      const done = (): void => {
        for (const event of EVENTS) client.off(event, done);
        resolve();
      };
      for (const event of EVENTS) client.on(event, done);
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  }
}
