import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { problem } from '../problem.ts';

/** Paths that answer without a token: whoever restarts or balances a node has none. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/livez', '/readyz', '/readyz/act']);

/**
 * Lets a request pass with one of the tokens. The comparison takes the same time whatever was sent, because digests of
 * equal length are compared. Keeps S18.
 *
 * @param tokens - Accepted tokens; several while one is being replaced.
 */
export function requireBearerToken(tokens: readonly string[]): MiddlewareHandler {
  const accepted = tokens.map(digest);
  return async (context, next) => {
    if (!OPEN_PATHS.has(context.req.path) && !isAccepted(context.req.header('authorization'), accepted)) {
      context.header('WWW-Authenticate', 'Bearer');
      return problem(context, 'unauthorized', 'send the token of this node as "Authorization: Bearer …"');
    }
    return next();
  };
}

function isAccepted(header: string | undefined, accepted: readonly Buffer[]): boolean {
  const given = digest(/^Bearer (?<token>\S+)$/i.exec(header ?? '')?.groups?.token ?? '');
  let matches = 0;
  for (const token of accepted) matches += timingSafeEqual(token, given) ? 1 : 0;
  return matches > 0;
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
