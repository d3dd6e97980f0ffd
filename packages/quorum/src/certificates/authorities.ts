import { X509Certificate } from 'node:crypto';

const BLOCK = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----[\s\S]*?-----END \1-----/g;

/**
 * Every authority of a bundle, in its order: while a cluster changes from one authority to another, its nodes trust both.
 *
 * @throws Error when there is no certificate in it, or one that cannot be read.
 */
export function readAuthorities(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(BLOCK) ?? [];
  if (blocks.length === 0) throw new Error('there is no certificate in it');
  return blocks.map((block) => new X509Certificate(block));
}

/** Why an authority does not vouch for a certificate now; absent when it does. */
export function flawOf(authority: X509Certificate, cert: X509Certificate, nowMs: number): string | undefined {
  if (!cert.checkIssued(authority) || !cert.verify(authority.publicKey)) return 'did not issue it';
  if (!authority.ca) return 'is no authority';
  return isValidAt(authority, nowMs) ? undefined : 'is not valid now';
}

/** Whether an instant lies within the validity of a certificate. Its last instant does not count, as in a handshake. */
export function isValidAt(cert: X509Certificate, nowMs: number): boolean {
  return nowMs >= Date.parse(cert.validFrom) && nowMs < Date.parse(cert.validTo);
}

/** Whether one of the authorities vouches for a certificate now. Keeps S18. */
export function isVouchedFor(
  cert: X509Certificate,
  authorities: readonly X509Certificate[],
  nowMs: number,
): boolean {
  return authorities.some((authority) => flawOf(authority, cert, nowMs) === undefined);
}
