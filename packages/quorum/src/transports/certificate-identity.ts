import type { X509Certificate } from 'node:crypto';

/**
 * The member that a certificate belongs to: the one member id that is a DNS name of it. Wildcards and common names do not
 * count, and a certificate that fits two members fits none. Keeps S18.
 */
export function identityOf(
  certificate: X509Certificate | undefined,
  memberIds: readonly string[],
): string | undefined {
  if (certificate === undefined) return undefined;
  const fitting = memberIds.filter(
    (id) =>
      certificate.checkHost(id, { subject: 'never', wildcards: false, partialWildcards: false }) !==
      undefined,
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}
