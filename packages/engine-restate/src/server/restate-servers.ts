/**
 * The HTTP interface of a Restate cluster: the nearest node first, another one when it does not answer.
 *
 * A call that may have arrived is only repeated where repeating it changes nothing: submissions are keyed by the run,
 * signals by a key of their own, the rest only reads.
 */
import { describeError, PortError } from '@lazarus/core';
import type { Clock } from '@lazarus/core/ports';
import { withTimeout } from '@lazarus/core/time';
import type { ResolvedOptions } from '../options.ts';

type Server = ResolvedOptions['servers'][number];

/** An answer of a server; its status may be an error. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly url: string;
}

/** One request. */
export interface Question {
  readonly to: 'ingress' | 'admin';
  readonly path: string;
  readonly method?: 'GET' | 'POST' | 'PATCH';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** @defaultValue the time for one answer */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Statuses that another server may answer differently. @defaultValue 5xx and 429 */
  readonly elsewhere?: (answer: Answer) => boolean;
}

/** The servers as one thing to ask. */
export class RestateServers {
  readonly all: readonly Server[];
  readonly #clock: Clock;
  readonly #answerMs: number;
  /** The one that answered last. */
  #current = 0;

  constructor(servers: readonly Server[], clock: Clock, answerMs: number) {
    this.all = servers;
    this.#clock = clock;
    this.#answerMs = answerMs;
  }

  /**
   * Asks one server after the other until one answers.
   *
   * @throws PortError `LZ_JOURNAL_UNAVAILABLE` when none does.
   */
  async ask(question: Question): Promise<Answer> {
    const problems: string[] = [];
    const isElsewhere = question.elsewhere ?? isBusy;
    for (let turn = 0; turn < this.all.length; turn += 1) {
      const index = (this.#current + turn) % this.all.length;
      const server = this.all[index];
      if (server === undefined) continue;
      try {
        const answer = await this.askOne(server, question);
        if (!isElsewhere(answer)) {
          this.#current = index;
          return answer;
        }
        problems.push(`${answer.url} answered ${answer.status}: ${messageOf(answer)}`);
      } catch (error) {
        question.signal?.throwIfAborted();
        problems.push(describeError(error));
      }
    }
    throw new PortError({
      code: 'LZ_JOURNAL_UNAVAILABLE',
      message: `no Restate server did its part: ${problems.join('; ')}`,
      retryable: true,
    });
  }

  /** Asks one server. @throws PortError `LZ_JOURNAL_UNAVAILABLE` when it does not answer in time. */
  async askOne(server: Server, question: Question): Promise<Answer> {
    const base = question.to === 'ingress' ? server.ingressUrl : server.adminUrl;
    const url = `${base.replace(/\/$/, '')}${question.path}`;
    try {
      return await withTimeout(this.#clock, question.timeoutMs ?? this.#answerMs, question.signal, (signal) =>
        request(url, question, signal),
      );
    } catch (error) {
      question.signal?.throwIfAborted();
      throw new PortError({
        code: 'LZ_JOURNAL_UNAVAILABLE',
        message: `${url} did not answer: ${reasonOf(error)}`,
        retryable: true,
      });
    }
  }

  /** Rows of a query over the state of the cluster. @throws PortError `LZ_JOURNAL_UNAVAILABLE`. */
  async query(query: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const answer = await this.ask({ to: 'admin', path: '/query', method: 'POST', body: { query } });
    const { rows } = answer.body as { readonly rows?: readonly Readonly<Record<string, unknown>>[] };
    if (answer.status === 200 && rows !== undefined) return rows;
    throw new PortError({
      code: 'LZ_JOURNAL_UNAVAILABLE',
      message: `${answer.url} refused a query: ${answer.status} ${messageOf(answer)}`,
      retryable: false,
    });
  }
}

/** What a server says about an answer, shortened. */
export function messageOf({ body }: Answer): string {
  const message = (body as { readonly message?: unknown } | null)?.message;
  return (typeof message === 'string' ? message : JSON.stringify(body)).slice(0, 300);
}

const isBusy = ({ status }: Answer): boolean => status >= 500 || status === 429;

async function request(url: string, question: Question, signal: AbortSignal): Promise<Answer> {
  const response = await fetch(url, {
    method: question.method ?? 'GET',
    headers: { accept: 'application/json', 'content-type': 'application/json', ...question.headers },
    signal,
    ...(question.body === undefined ? {} : { body: JSON.stringify(question.body) }),
  });
  const text = await response.text();
  return { status: response.status, body: parse(text), url };
}

function parse(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    return text;
  }
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
  return cause === undefined ? describeError(error) : describeError(cause);
}
