import type { Clock } from '@lazarus/core/ports';
import { bearerTokenOf, createSecretCheck } from '../access/bearer-token.ts';
import { createReplayCache } from '../access/replay-cache.ts';
import { SIGNATURE_HEADERS, SIGNATURE_WINDOW_MS, verifySignature } from '../access/request-signature.ts';
import { RETRY_AFTER_SECONDS } from '../problem.ts';
import type { IntakeProblem } from '../problem.ts';

/** Who may deposit events. */
export interface Admission {
  /** Refuses a request that no body could make right, before its body is read. */
  refuseByHeaders(headers: Headers): IntakeProblem | undefined;
  /** Refuses a request by its body; otherwise returns what to do when the request is not served after all. */
  admit(
    headers: Headers,
    body: Uint8Array,
  ): { readonly refusal: IntakeProblem } | { readonly undo: () => void };
}

/**
 * Creates the admission by bearer token or signature; with neither configured, everybody is admitted. Keeps S18.
 */
export function createAdmission(
  auth: { readonly tokens: readonly string[]; readonly signingKeys: readonly string[] },
  clock: Pick<Clock, 'now'>,
): Admission {
  const isOpen = auth.tokens.length + auth.signingKeys.length === 0;
  const isToken = createSecretCheck(auth.tokens);
  const replays = createReplayCache({ clock, windowMs: SIGNATURE_WINDOW_MS });

  const hasToken = (headers: Headers): boolean => isToken(bearerTokenOf(headers) ?? '');
  const isSigned = (headers: Headers): boolean =>
    auth.signingKeys.length > 0 && headers.has(SIGNATURE_HEADERS.signature);

  return {
    refuseByHeaders(headers) {
      if (isOpen || hasToken(headers) || isSigned(headers)) return undefined;
      return unauthorized(`send ${ways(auth)}`);
    },
    admit(headers, body) {
      if (isOpen || hasToken(headers)) return { undo: () => {} };
      const check = verifySignature({ headers, body, keys: auth.signingKeys, nowMs: clock.now() });
      if (!check.ok) return { refusal: unauthorized(check.reason) };
      const { seal, signedAtMs } = check;
      const seen = replays.admit(seal, signedAtMs);
      if (seen === 'replayed')
        return { refusal: unauthorized('this request was served before; sign it again') };
      if (seen === 'full') {
        const message = 'too many signed requests in the last minutes';
        return { refusal: { code: 'too_many_requests', message, retryAfterSeconds: RETRY_AFTER_SECONDS } };
      }
      return { undo: () => replays.forget(seal) };
    },
  };
}

function ways(auth: { readonly tokens: readonly string[]; readonly signingKeys: readonly string[] }): string {
  return [
    ...(auth.tokens.length > 0 ? ['the token of this intake as "Authorization: Bearer …"'] : []),
    ...(auth.signingKeys.length > 0
      ? [`a signature in ${SIGNATURE_HEADERS.signature} with its time in ${SIGNATURE_HEADERS.timestamp}`]
      : []),
  ].join(' or ');
}

function unauthorized(message: string): IntakeProblem {
  return { code: 'unauthorized', message };
}
