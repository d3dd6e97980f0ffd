import type { Issue } from '@lazarus/core';

/**
 * What went wrong with a request, for programs: stable names, one HTTP status each. The names that the API of a node
 * also has mean the same there.
 */
export const INTAKE_PROBLEMS = {
  invalid_request: { status: 400, summary: 'Nothing in the body is a valid event; `issues` says why.' },
  unauthorized: { status: 401, summary: 'The token or the signature is missing, wrong, old or used before.' },
  not_found: { status: 404, summary: 'There is nothing at this path.' },
  too_large: { status: 413, summary: 'The body, or the number of events in it, is too large.' },
  unsupported_media_type: { status: 415, summary: 'The body is neither JSON nor a CloudEvent in JSON.' },
  too_many_requests: {
    status: 429,
    summary: 'Too many deposits are under way; try again after Retry-After.',
  },
  internal: { status: 500, summary: 'The intake failed; its log says why.' },
  unavailable: {
    status: 503,
    summary: 'The stream did not take every event; send the same request again.',
  },
} as const;

/** Name of a problem. */
export type IntakeProblemCode = keyof typeof INTAKE_PROBLEMS;

/** A refused request: a value, turned into an answer at the edge. */
export interface IntakeProblem {
  readonly code: IntakeProblemCode;
  readonly message: string;
  readonly issues?: readonly Issue[];
  /** When to try again, seconds. */
  readonly retryAfterSeconds?: number;
}

/** Seconds after which a sender that was turned away may come back: a deposit takes far less. */
export const RETRY_AFTER_SECONDS = 1;

/** A JSON answer that nobody stores or guesses the type of. */
export function jsonResponse(
  body: unknown,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json(body, {
    status,
    headers: { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', ...headers },
  });
}

/**
 * The answer for a problem: `{ error: { code, message, issues? } }`, as the API of a node answers.
 *
 * @param more - Other members of the body, such as the verdict on each event.
 */
export function problemResponse(
  problem: IntakeProblem,
  more: Readonly<Record<string, unknown>> = {},
): Response {
  const { code, message, issues, retryAfterSeconds } = problem;
  const error = { code, message, ...(issues === undefined ? {} : { issues }) };
  return jsonResponse({ error, ...more }, INTAKE_PROBLEMS[code].status, {
    ...(code === 'unauthorized' ? { 'WWW-Authenticate': 'Bearer' } : {}),
    ...(retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) }),
  });
}
