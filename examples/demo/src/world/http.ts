/** A reply that was not what the demo needs. */
export class UnexpectedReplyError extends Error {}

/**
 * Asks a local server for JSON.
 *
 * @throws UnexpectedReplyError when it is not a 2xx.
 */
export async function requestJson<T>(
  url: string,
  options: {
    readonly method?: string;
    readonly body?: unknown;
    readonly token?: string;
    readonly timeoutMs?: number;
  } = {},
): Promise<T> {
  const reply = await fetch(url, {
    method: options.method ?? (options.body === undefined ? 'GET' : 'POST'),
    signal: AbortSignal.timeout(options.timeoutMs ?? 5_000),
    headers: {
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const text = await reply.text();
  if (!reply.ok)
    throw new UnexpectedReplyError(
      `${options.method ?? 'GET'} ${url} answered ${reply.status}: ${text.slice(0, 300)}`,
    );
  return JSON.parse(text) as T;
}

/** Asks again every `everyMs` until the answer is not undefined; undefined when the time is over. */
export async function poll<T>(
  ask: () => Promise<T | undefined>,
  { withinMs, everyMs = 100 }: { readonly withinMs: number; readonly everyMs?: number },
): Promise<T | undefined> {
  const untilMs = performance.now() + withinMs;
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined) return answer;
    if (performance.now() >= untilMs) return undefined;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
