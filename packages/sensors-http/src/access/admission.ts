import type { Clock } from '@lazarus/core/ports';
import { bearerTokenOf, createSecretCheck } from './bearer-token.ts';
import { createReplayCache } from './replay-cache.ts';
import { SIGNATURE_HEADERS, SIGNATURE_WINDOW_MS, verifySignature } from './request-signature.ts';
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

/** Header of a token, for senders that cannot set `Authorization`. */
const TOKEN_HEADER = 'x-lazarus-token';

/** Creates the admission of an adapter by its own tokens, in either of two headers. Keeps S18. */
export function createHeaderAdmission(tokens: readonly string[]): Admission {
  const isToken = createSecretCheck(tokens);
  const refusal = unauthorized(
    `send the token of this adapter as "Authorization: Bearer …" or ${TOKEN_HEADER}`,
  );
  return {
    refuseByHeaders: (headers) =>
      isToken(bearerTokenOf(headers) ?? headers.get(TOKEN_HEADER) ?? '') ? undefined : refusal,
    admit: () => ({ undo: () => {} }),
  };
}

/**
 * Creates the admission of senders that sign the body in a header of theirs. Keeps S18.
 *
 * @param isSigned - Tells whether the header fits the body.
 */
export function createSignedAdmission(
  header: string,
  isSigned: (value: string, body: Uint8Array) => boolean,
): Admission {
  const refusal = unauthorized(`${header} is missing or not that of this body`);
  return {
    refuseByHeaders: (headers) => (headers.has(header) ? undefined : refusal),
    admit: (headers, body) => (isSigned(headers.get(header) ?? '', body) ? { undo: () => {} } : { refusal }),
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
