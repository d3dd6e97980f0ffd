import type { MiddlewareHandler } from 'hono';
import { problem } from '../problem.ts';

/** Methods that change nothing. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses changes that a page of another origin sends through somebody's browser: a node on a loopback address without a
 * token is in reach of every page that its operator opens. Keeps S18.
 */
export const sameOrigin: MiddlewareHandler = async (context, next) => {
  const origin = context.req.header('origin');
  if (
    !SAFE_METHODS.has(context.req.method) &&
    origin !== undefined &&
    hostOf(origin) !== context.req.header('host')
  ) {
    return problem(context, 'foreign_origin', `requests of ${origin} change nothing here`);
  }
  return next();
};

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
