import { CliFailure } from '../cli-failure.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { systemReason } from '../system-reason.ts';

/** How to reach a node. */
export interface ClientOptions {
  readonly url: string;
  readonly token: string | undefined;
  /** Longest wait for an answer, milliseconds. Streams have no end and no such limit. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** An answer of a node. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Headers;
}

/** Talks to the API of a node. */
export interface Client {
  readonly url: string;
  /** The answer, whatever its status. @throws CliFailure with `unreachable`. */
  ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<Answer>;
  /** The body of a success. @throws CliFailure for everything else. */
  request<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T>;
  /** What a refusal means for the person who asked. */
  refusal(answer: Pick<Answer, 'status' | 'body'>): CliFailure;
  /** An open stream. @throws CliFailure. */
  open(path: string, headers: Readonly<Record<string, string>>): Promise<ReadableStream<Uint8Array>>;
}

/** Creates a {@link Client}. */
export function createClient(options: ClientOptions): Client {
  const base = baseUrl(options.url);
  const headers = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };

  async function send(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(new URL(path, base), { redirect: 'error', ...init });
    } catch (error) {
      throw unreachable(base, error, options);
    }
  }

  async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await send(path, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      signal: AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    try {
      return { status: response.status, body: parse(await response.text()), headers: response.headers };
    } catch (error) {
      throw unreachable(base, error, options);
    }
  }

  return {
    url: base.href,
    ask,
    refusal: (answer) => failureOf(answer, options),
    async request<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
      const answer = await ask(method, path, body);
      if (answer.status < 200 || answer.status > 299) throw failureOf(answer, options);
      return answer.body as T;
    },
    async open(path, more) {
      const response = await send(path, { headers: { ...headers, ...more }, signal: options.signal });
      if (response.ok && response.body !== null) return response.body;
      const body = parse(await response.text());
      throw failureOf({ status: response.status, body }, options);
    },
  };
}

/** What a refusal of the node means for the person who asked. */
function failureOf(
  { status, body }: Pick<Answer, 'status' | 'body'>,
  asked: Pick<ClientOptions, 'url' | 'token'>,
): CliFailure {
  if (status === 401) return refusedToken(asked);
  const problem = (body as { error?: { message?: unknown; issues?: unknown } } | undefined)?.error;
  const message = typeof problem?.message === 'string' ? problem.message : `the node answered ${status}`;
  const issues = Array.isArray(problem?.issues) ? problem.issues.map(issueLine) : [];
  const headline = issues.length === 0 ? message : (message.split(':')[0] ?? message);
  return new CliFailure(exitCodeOf(status), headline, issues);
}

function refusedToken({ url, token }: Pick<ClientOptions, 'url' | 'token'>): CliFailure {
  const hint = 'Give the token of this node with --token-file (or LAZARUS_TOKEN_FILE), or in LAZARUS_TOKEN.';
  return token === undefined
    ? new CliFailure(EXIT.failed, `${url} asks for a token, and none was given`, [hint])
    : new CliFailure(EXIT.failed, `${url} refused the token that was given: it is not one of this node`, [
        hint,
      ]);
}

function exitCodeOf(status: number): ExitCode {
  if (status === 404) return EXIT.notFound;
  if (status === 400 || status === 413 || status === 415 || status === 422) return EXIT.invalid;
  return status === 429 || status === 502 || status === 503 || status === 504
    ? EXIT.unreachable
    : EXIT.failed;
}

function issueLine(issue: unknown): string {
  const { path = '', message = '', hint } = issue as { path?: string; message?: string; hint?: string };
  return `${path} ${message}${hint === undefined ? '' : ` (${hint})`}`.trim();
}

function baseUrl(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  if (base?.protocol === 'http:' || base?.protocol === 'https:') return base;
  throw new CliFailure(EXIT.invalid, `--url: found "${url}", expected a URL such as http://127.0.0.1:7400`);
}

function unreachable(base: URL, error: unknown, { signal, timeoutMs }: ClientOptions): CliFailure {
  if (signal.aborted) return new CliFailure(EXIT.interrupted, 'interrupted');
  const isTimeout = error instanceof DOMException && error.name === 'TimeoutError';
  const { cause } = error as { readonly cause?: unknown };
  const why = isTimeout
    ? `no answer within ${timeoutMs / 1000} s`
    : cause === undefined
      ? String(error)
      : systemReason(cause);
  return new CliFailure(EXIT.unreachable, `${base.origin} could not be reached: ${why}`, [
    'Is the node running? Give its address with --url or LAZARUS_URL.',
  ]);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
