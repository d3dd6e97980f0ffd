import { isLazarusError, describeError } from '@lazarus/core';
import type { Issue } from '@lazarus/core';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';

/** What went wrong with a request, for programs: stable names, one HTTP status each. */
export const PROBLEMS = {
  invalid_request: {
    status: 400,
    summary: 'The request does not fit the endpoint; `issues` names every part that is wrong.',
  },
  unauthorized: { status: 401, summary: 'The bearer token is missing or wrong.' },
  foreign_origin: { status: 403, summary: 'A page of another origin tried to change something.' },
  not_found: { status: 404, summary: 'There is nothing with this id or path.' },
  too_large: { status: 413, summary: 'The body is larger than an event may be.' },
  unsupported_media_type: { status: 415, summary: 'The body is not application/json.' },
  internal: { status: 500, summary: 'The node failed; its log says why.' },
  unavailable: { status: 503, summary: 'A store behind the node did not answer; try again.' },
} as const;

/** Name of a problem. */
export type ProblemCode = keyof typeof PROBLEMS;

/** Body of every answer that is not a success. */
export interface ProblemBody {
  readonly error: { readonly code: string; readonly message: string; readonly issues?: readonly Issue[] };
}

/** The answer for a problem. */
export function problem(
  context: Context,
  code: ProblemCode,
  message: string,
  issues?: readonly Issue[],
): Response {
  const body: ProblemBody = { error: { code, message, ...(issues === undefined ? {} : { issues }) } };
  return context.json(body, PROBLEMS[code].status);
}

/** The answer for something that was thrown: never a stack, never the text of a foreign error. */
export function problemOf(context: Context, error: unknown, log: (message: string) => void): Response {
  if (error instanceof HTTPException) return problemOfStatus(context, error);
  log(describeError(error));
  if (!isLazarusError(error))
    return problem(context, 'internal', 'the node failed to answer; its log says why');
  const isIo = error.name === 'PortError';
  return problem(context, isIo ? 'unavailable' : 'internal', `${error.code}: ${error.message}`);
}

function problemOfStatus(context: Context, error: HTTPException): Response {
  const known = Object.entries(PROBLEMS).find(([, { status }]) => status === error.status);
  const code = (known?.[0] ?? 'invalid_request') as ProblemCode;
  return problem(context, code, error.message === '' ? PROBLEMS[code].summary : error.message);
}
