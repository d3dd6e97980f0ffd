/**
 * Keeps the connection and knows who is at its other end: the server, its epoch, and how its clock differs from ours. Another
 * identity than before begins an epoch, and whatever is unfit to carry shared state is refused.
 */
import { describeError, PortError } from '@lazarus/core';
import type { Clock, Logger } from '@lazarus/core/ports';
import { withTimeout } from '@lazarus/core/time';
import type { z } from 'zod';
import { ENTER } from './enter-script.ts';
import type { RedisConnectionOptions } from './options.ts';
import type { RedisClient } from './redis-client.ts';
import { CLIENT_EVENTS, evaluate } from './redis-client.ts';
import type { ServerInfo } from './server-info.ts';
import { parseServerInfo, whyUnfit } from './server-info.ts';
import { replyWord } from './store-errors.ts';

/** What is known about the server at the other end of the present connection. */
export interface Session {
  readonly info: ServerInfo;
  readonly epoch: number;
  /** The store record, word for word. */
  readonly record: string;
  /** Highest possible difference between the server's clock and our monotonic one. */
  readonly offsetMs: number;
  readonly enteredAtMs: number;
  /** Instant of the server from which the windows count as known; later than any when no node has added its history. */
  readonly windowsKnownFromMs: number;
}

/** What a connection is made of. */
export interface ConnectionParts {
  readonly client: RedisClient;
  /** Whether the client was made here. */
  readonly isOwn: boolean;
  readonly settings: z.output<typeof RedisConnectionOptions>;
  readonly clock: Clock;
  readonly log: Logger | undefined;
  readonly serverNow: (() => number) | undefined;
}

const INSPECT_EVERY_MS = 30_000;

/** The other end of one connection. */
export class ServerSession {
  readonly storeKey: string;
  /** The address, without its password. */
  readonly where: string;
  readonly #client: RedisClient;
  readonly #parts: ConnectionParts;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #listeners = new Set<(epoch: number) => void>();
  #waiting: (() => void)[] = [];
  #current: Session | undefined;
  #entering: Promise<Session> | undefined;
  #highestEpoch = 0;
  #lastError = 'it was never reached';
  #isClosed = false;

  constructor(parts: ConnectionParts) {
    const { client, clock, settings } = parts;
    this.storeKey = `{${settings.prefix}}:store`;
    this.where = settings.url?.replace(/^(rediss?:\/\/)[^@/]*@/, '$1') ?? 'the given client';
    this.#client = client;
    this.#parts = parts;
    this.#clock = clock;
    this.#deadlineMs = settings.deadlineMs;
    for (const event of CLIENT_EVENTS) client.on(event, this.#onChange);
    client.on('error', this.noticeError);
    this.#onChange();
  }

  readonly #onChange = (): void => {
    if (this.#client.status !== 'ready') this.#current = undefined;
    // Entering at once, not at the first call: nodes then add what they know during the grace.
    else this.enter().catch(this.noticeError);
    for (const resume of this.#waiting.splice(0)) resume();
  };

  /** The last thing that went wrong, for people. */
  get lastError(): string {
    return this.#lastError;
  }

  readonly noticeError = (error: unknown): void => {
    this.#lastError = describeError(error);
    if (replyWord(error) !== 'READONLY') return;
    // Demoted behind our back: the name in the address may lead to the new primary by now.
    this.#current = undefined;
    this.#reconnect();
  };

  /** The session of the present connection, if it can be used at once. */
  get ready(): Session | undefined {
    if (this.#isClosed || this.#current === undefined || this.#client.status !== 'ready') return undefined;
    if (this.#clock.monotonic() - this.#current.enteredAtMs >= INSPECT_EVERY_MS)
      this.enter().catch(this.noticeError);
    return this.#current;
  }

  /** Says that a session is no longer true. */
  forget(session: Session): void {
    if (this.#current === session) this.#current = undefined;
  }

  /** The session of the present connection, as soon as there is one. */
  async within(signal: AbortSignal): Promise<Session> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#isClosed || this.#client.status === 'end') throw new Error('the connection was closed');
      if (this.ready !== undefined) return this.ready;
      if (this.#client.status === 'ready') return await this.enter();
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push(resolve);
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
    }
  }

  /** Looks who is at the other end, and settles the epoch. */
  enter(): Promise<Session> {
    this.#entering ??= this.#enterOnce().finally(() => (this.#entering = undefined));
    return this.#entering;
  }

  async #enterOnce(): Promise<Session> {
    const info = parseServerInfo(
      await withTimeout(this.#clock, this.#deadlineMs, undefined, async () =>
        String(await this.#client.call('INFO')),
      ),
    );
    const reason = whyUnfit(info);
    if (reason !== undefined) throw this.#refuse(reason, info);
    const sentAtMs = this.#clock.monotonic();
    const [nowMs, epoch, record] = (await withTimeout(this.#clock, this.#deadlineMs, undefined, () =>
      evaluate(this.#client, ENTER, [
        1,
        this.storeKey,
        info.identity,
        this.#highestEpoch,
        this.#parts.settings.graceMs,
      ]),
    )) as [number, number, string];
    const session = {
      info,
      epoch,
      record,
      offsetMs: nowMs - sentAtMs,
      enteredAtMs: sentAtMs,
      windowsKnownFromMs: windowsKnownFromMs(record),
    };
    this.#current = session;
    if (epoch > this.#highestEpoch) this.#announce(epoch, info);
    return session;
  }

  #refuse(reason: string, info: ServerInfo): PortError {
    this.#current = undefined;
    if (info.role === 'slave') this.#reconnect();
    const message = `Redis at ${this.where} cannot be used: ${reason}`;
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

  #reconnect(): void {
    if (this.#parts.isOwn && !this.#isClosed) this.#client.disconnect(true);
  }

  onEpoch(listener: (epoch: number) => void): () => void {
    this.#listeners.add(listener);
    if (this.#highestEpoch > 0) listener(this.#highestEpoch);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    this.#isClosed = true;
    for (const event of CLIENT_EVENTS) this.#client.off(event, this.#onChange);
    for (const resume of this.#waiting.splice(0)) resume();
    this.#listeners.clear();
    if (this.#parts.isOwn) this.#client.disconnect();
  }
}

/** Reads `identity|epoch|trusted from|windows|…`. */
function windowsKnownFromMs(record: string): number {
  const [, , trustedFromMs, areWindowsKnown] = record.split('|');
  return areWindowsKnown === '1' ? Number(trustedFromMs) : Number.MAX_SAFE_INTEGER;
}
