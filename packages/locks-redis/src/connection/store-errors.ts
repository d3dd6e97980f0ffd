import type { ErrorCode } from '@lazarus/core/errors';
import { describeError, PortError } from '@lazarus/core';
import { isTimeout } from '@lazarus/core/time';

/** The codes under which the adapters of this package report that the store did not do its part. */
export type StoreErrorCode = Extract<
  ErrorCode,
  | 'LZ_LOCK_UNAVAILABLE'
  | 'LZ_WINDOWS_UNAVAILABLE'
  | 'LZ_BUDGET_UNAVAILABLE'
  | 'LZ_PAUSE_UNAVAILABLE'
  | 'LZ_CONFIG_UNREADABLE'
>;

/** Replies of Redis that name a state of the server, with what to do about it. */
const REPLIES: Readonly<Record<string, { readonly advice: string; readonly retryable: boolean }>> = {
  READONLY: { advice: 'it is a replica; a new connection is made to find the primary', retryable: true },
  OOM: { advice: 'it has no memory left; raise maxmemory', retryable: true },
  LOADING: { advice: 'it is still loading its data', retryable: true },
  MISCONF: { advice: 'it cannot persist; look at its disk', retryable: true },
  NOREPLICAS: { advice: 'it has too few replicas to accept writes', retryable: true },
  MASTERDOWN: { advice: 'its primary is away', retryable: true },
  BUSY: { advice: 'a script keeps it busy', retryable: true },
  CLUSTERDOWN: { advice: 'its cluster is down', retryable: true },
  NOAUTH: { advice: 'it asks for a password', retryable: false },
  WRONGPASS: { advice: 'it refused the password', retryable: false },
  NOPERM: { advice: 'its user lacks a right', retryable: false },
};

/** The first word of an error reply (`READONLY`), if it is one that says something about the server. */
export function replyWord(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // An error within a script comes back with the word of the command that failed, sometimes after "-".
  const word = /^-?([A-Z]+)\b/.exec(error.message)?.[1];
  if (word !== undefined && word in REPLIES) return word;
  return Object.keys(REPLIES).find((known) => error.message.includes(`-${known} `));
}

/** Turns whatever went wrong between us and Redis into the error of the port. */
export function storeError(code: StoreErrorCode, where: string, error: unknown, deadlineMs: number): unknown {
  if (error instanceof PortError) return error.code === code ? error : withCode(error, code);
  if (isTimeout(error)) {
    const message = `Redis at ${where} did not answer within ${deadlineMs} ms`;
    return new PortError({ code, message, details: { reply: 'none' }, retryable: true, cause: error });
  }
  const word = replyWord(error);
  const reply = word === undefined ? undefined : REPLIES[word];
  const advice = reply === undefined ? '' : `: ${reply.advice}`;
  return new PortError({
    code,
    message: `Redis at ${where} failed${advice} (${describeError(error)})`,
    details: { reply: word ?? 'none' },
    retryable: reply?.retryable ?? true,
    cause: error,
  });
}

function withCode(error: PortError, code: StoreErrorCode): PortError {
  return new PortError({
    code,
    message: error.message,
    details: error.details,
    retryable: error.retryable,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    cause: error,
  });
}
