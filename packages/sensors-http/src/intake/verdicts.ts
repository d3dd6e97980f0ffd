import type { Issue } from '@lazarus/core';
import { RETRY_AFTER_SECONDS, jsonResponse, problemResponse } from '../problem.ts';

/** What the intake says about one event of a request, on the wire. */
export type Verdict =
  | {
      readonly index: number;
      readonly status: 'accepted';
      /** The canonical id, under which the event is recorded. */
      readonly id: string;
      readonly warnings?: readonly Issue[];
    }
  | { readonly index: number; readonly status: 'ignored'; readonly reason: string; readonly detail: string }
  | { readonly index: number; readonly status: 'invalid'; readonly issues: readonly Issue[] }
  | { readonly index: number; readonly status: 'failed'; readonly id: string };

/** Most issues that an answer to a list repeats under `error`; each verdict has its own. */
const MAX_ISSUES = 50;

/**
 * The answer to a request whose events were all judged: 202 when every one was accepted (or rightly ignored), 207 when
 * some were invalid, 400 when all were, 503 when the stream did not take one. A sender may send all of it again: an event
 * id is counted once.
 *
 * @param isList - Whether issues need the position of their event.
 */
export function verdictResponse(verdicts: readonly Verdict[], isList: boolean): Response {
  const failed = verdicts.filter((verdict) => verdict.status === 'failed').length;
  if (failed > 0) {
    const message = `the stream did not take ${failed} of ${verdicts.length}; send the request again`;
    const problem = { code: 'unavailable', message, retryAfterSeconds: RETRY_AFTER_SECONDS } as const;
    return problemResponse(problem, { results: verdicts });
  }
  const invalid = verdicts.filter((verdict) => verdict.status === 'invalid');
  if (invalid.length === 0) return jsonResponse({ results: verdicts }, 202);
  if (invalid.length < verdicts.length) return jsonResponse({ results: verdicts }, 207);
  const issues = invalid.flatMap((verdict) => issuesOf(verdict, isList)).slice(0, MAX_ISSUES);
  const first = issues[0];
  const message = `no event was accepted: ${`${first?.path ?? ''} ${first?.message ?? ''}`.trim()}`;
  return problemResponse({ code: 'invalid_request', message, issues }, { results: verdicts });
}

function issuesOf(
  { index, issues }: { readonly index: number; readonly issues: readonly Issue[] },
  isList: boolean,
): readonly Issue[] {
  if (!isList) return issues;
  return issues.map((issue) => ({ ...issue, path: within(index, issue.path) }));
}

function within(index: number, path: string): string {
  return path === '' || path.startsWith('[') ? `[${index}]${path}` : `[${index}].${path}`;
}
