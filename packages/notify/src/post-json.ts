import { PortError } from '@lazarus/core';

/** What a server said to a POST. */
export interface PostAnswer {
  readonly status: number;
  readonly text: string;
}

/** Error of a delivery. The address is left out: the URL of a webhook is a secret. */
export function notifyError(
  message: string,
  init: { readonly retryable: boolean; readonly cause?: unknown },
): PortError {
  return new PortError({ code: 'LZ_NOTIFY_FAILED', message, ...init });
}

/**
 * Posts a body and expects 2xx.
 *
 * @throws PortError `LZ_NOTIFY_FAILED`.
 */
export async function post(options: {
  /** Name of the channel, for messages. */
  readonly to: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}): Promise<PostAnswer> {
  const { to, url, headers, body, signal } = options;
  let answer: PostAnswer;
  try {
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'error', signal });
    answer = { status: response.status, text: await response.text() };
  } catch (error) {
    signal.throwIfAborted();
    throw notifyError(`${to} could not be reached`, { retryable: true, cause: error });
  }
  if (answer.status >= 200 && answer.status < 300) return answer;
  const retryable = answer.status === 429 || answer.status >= 500;
  throw notifyError(`${to} answered ${answer.status}`, { retryable });
}
