import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** A secret in options. A refinement of our own, because the messages of the built-in ones repeat the value. Keeps S17. */
export const SecretSchema = z
  .string()
  .refine((secret) => /^\S{16,512}$/.test(secret), 'a secret has 16 to 512 characters and no white space');

/** Tells whether a secret is one of those accepted. */
export type SecretCheck = (secret: string) => boolean;

/**
 * Makes a check that takes the same time whatever was sent, because digests of equal length are compared. Keeps S18.
 *
 * @param secrets - Accepted secrets; several while one is being replaced. None: nothing is accepted.
 */
export function createSecretCheck(secrets: readonly string[]): SecretCheck {
  const accepted = secrets.map(digest);
  return (secret) => {
    const given = digest(secret);
    let matches = 0;
    for (const candidate of accepted) matches += timingSafeEqual(candidate, given) ? 1 : 0;
    return matches > 0;
  };
}

/** The token of an `Authorization: Bearer …` header; `undefined` when there is none. */
export function bearerTokenOf(headers: Headers): string | undefined {
  return /^Bearer (?<token>\S+)$/i.exec(headers.get('authorization') ?? '')?.groups?.['token'];
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
