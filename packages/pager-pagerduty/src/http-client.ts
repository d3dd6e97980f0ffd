/**
 * The HTTP of the pager service, with the limits that its users rely on:
 *
 * 1. every request ends after `requestTimeoutMs`, every call after `deadlineMs`, and both with the caller's signal;
 * 2. 429 waits as long as `ratelimit-reset` says, if that fits into the deadline, else the call fails at once and says
 *    how long to wait;
 * 3. what fails is a `PortError`, never a resolved promise and never something that is no error.
 */
import { PortError } from '@lazarus/core';
import { isTimeout, withTimeout } from '@lazarus/core/time';
import type { Clock, Random } from '@lazarus/core/ports';

/** Limits of one call. */
export interface HttpLimits {
  readonly requestTimeoutMs: number;
  readonly deadlineMs: number;
  readonly retryFirstMs: number;
}

/** One request to the service. */
export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  /** Absolute. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** False when a second effect would be visible: then it is tried again only if the service refused it. */
  readonly isRepeatable: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A request that the service answered with 2xx. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: unknown;
}

interface Failure {
  readonly error: PortError;
  /** Whether the service certainly did nothing. */
  readonly wasRefused: boolean;
}

function pagerError(
  message: string,
  init: { retryable: boolean; status?: number; retryAfterMs?: number; cause?: unknown },
): PortError {
  const { status, ...rest } = init;
  return new PortError({
    code: 'LZ_PAGER_UNAVAILABLE',
    message: `pager: ${message}; an untouched page escalates by itself`,
    details: status === undefined ? {} : { status },
    ...rest,
  });
}

/** Seconds of the header, as milliseconds; `undefined` when it is absent or no number. */
function resetMs(response: Response): number | undefined {
  const seconds = Number(
    response.headers.get('ratelimit-reset') ?? response.headers.get('retry-after') ?? '',
  );
  const header = response.headers.get('ratelimit-reset') ?? response.headers.get('retry-after');
  return header === null || !Number.isFinite(seconds) || seconds < 0 ? undefined : seconds * 1000;
}

function describeBody(body: unknown): string {
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : body;
  if (typeof error !== 'object' || error === null) return '';
  const { message, errors } = error as { message?: unknown; errors?: unknown };
  const parts = [message, ...(Array.isArray(errors) ? (errors as unknown[]) : [])];
  return parts.filter((part) => typeof part === 'string').join(', ');
}

async function readBody(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

function judge(response: Response, body: unknown, what: string): Failure | undefined {
  const { status } = response;
  if (response.ok) {
    if (body !== undefined || status === 204) return undefined;
    return {
      error: pagerError(`${what} answered ${status} without JSON`, { retryable: true, status }),
      wasRefused: false,
    };
  }
  const retryAfterMs = status === 429 ? resetMs(response) : undefined;
  const detail = describeBody(body);
  return {
    error: pagerError(`${what} answered ${status}${detail === '' ? '' : ` (${detail})`}`, {
      retryable: status === 429 || status === 408 || status >= 500,
      status,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    }),
    wasRefused: status === 429,
  };
}

/** Sends requests within the limits. */
export type HttpClient = (request: HttpRequest) => Promise<HttpAnswer>;

/** Makes a client. */
export function createHttpClient(
  limits: HttpLimits,
  ports: { readonly clock: Clock; readonly random: Random },
): HttpClient {
  const { clock, random } = ports;

  const attempt = async (request: HttpRequest, timeoutMs: number): Promise<HttpAnswer | Failure> => {
    const what = `${request.method} ${new URL(request.url).pathname}`;
    try {
      return await withTimeout(clock, timeoutMs, request.signal, async (signal) => {
        const response = await fetch(request.url, {
          method: request.method,
          headers: {
            ...request.headers,
            ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
          redirect: 'error',
          signal,
        });
        const body = await readBody(response);
        return judge(response, body, what) ?? { status: response.status, body };
      });
    } catch (error) {
      request.signal?.throwIfAborted();
      const reason = isTimeout(error) ? `did not answer within ${timeoutMs} ms` : 'could not be reached';
      return { error: pagerError(`${what} ${reason}`, { retryable: true, cause: error }), wasRefused: false };
    }
  };

  return async (request) => {
    const endAtMs = clock.monotonic() + limits.deadlineMs;
    for (let failures = 0; ; failures += 1) {
      const leftMs = Math.max(1, endAtMs - clock.monotonic());
      const result = await attempt(request, Math.min(limits.requestTimeoutMs, leftMs));
      if (!('error' in result)) return result;
      const { error, wasRefused } = result;
      const ceilingMs = Math.min(limits.retryFirstMs * 2 ** failures, 5000);
      const waitMs = error.retryAfterMs ?? Math.round(random.next() * ceilingMs);
      const isHopeless = !error.retryable || !(request.isRepeatable || wasRefused);
      if (isHopeless || clock.monotonic() + waitMs >= endAtMs) throw error;
      await clock.sleep(waitMs, request.signal === undefined ? {} : { signal: request.signal });
    }
  };
}
