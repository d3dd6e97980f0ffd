import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { ConfigurationError } from '@lazarus/core';

/** PEM texts of one node. */
export interface NodeCertificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/**
 * Looks at the certificate of a node before anything relies on it: a wrong one would only show when peers refuse every
 * vote. Keeps S18.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID` when a text is no PEM, the certificate is another node's, was not issued by
 *   the authority, does not belong to the key, or is not valid now.
 */
export function checkCertificate(
  node: NodeCertificate,
  about: { readonly self: string; readonly nowMs: number },
): void {
  const ca = read('ca', node.ca, (text) => new X509Certificate(text));
  const cert = read('cert', node.cert, (text) => new X509Certificate(text));
  const key = read('key', node.key, (text) => createPrivateKey(text));
  const problem = problemOf({ ca, cert, key }, about);
  if (problem !== undefined) throw refusal(problem.path, problem.message, problem.hint);
}

interface Parts {
  readonly ca: X509Certificate;
  readonly cert: X509Certificate;
  readonly key: KeyObject;
}

function problemOf(
  { ca, cert, key }: Parts,
  { self, nowMs }: { readonly self: string; readonly nowMs: number },
): { readonly path: string; readonly message: string; readonly hint: string } | undefined {
  const names = namesOf(cert);
  if (names.length !== 1 || names[0] !== self) {
    const whose = names.length === 0 ? 'names nobody' : `is for ${names.join(', ')}`;
    return {
      path: 'tls.cert',
      message: `${whose}, and this is node ${self}`,
      hint: `give node ${self} a certificate whose only DNS name is ${self}`,
    };
  }
  if (!cert.verify(ca.publicKey))
    return {
      path: 'tls.cert',
      message: 'was not issued by the authority in tls.ca',
      hint: 'use the ca that belongs to it',
    };
  if (!cert.checkPrivateKey(key))
    return {
      path: 'tls.key',
      message: 'is not the key of the certificate in tls.cert',
      hint: 'use the key that belongs to it',
    };
  if (nowMs > Date.parse(cert.validTo) || nowMs < Date.parse(cert.validFrom))
    return {
      path: 'tls.cert',
      message: `is valid from ${cert.validFrom} to ${cert.validTo}, which is not now`,
      hint: 'make a new one, or set the clock',
    };
  return undefined;
}

function namesOf(cert: X509Certificate): readonly string[] {
  return (cert.subjectAltName ?? '')
    .split(', ')
    .filter((name) => name.startsWith('DNS:'))
    .map((name) => name.slice('DNS:'.length));
}

function read<T>(field: keyof NodeCertificate, text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch {
    throw refusal(
      `tls.${field}`,
      'is no PEM text that can be read',
      'expected a block that begins with -----BEGIN',
    );
  }
}

function refusal(path: string, message: string, hint: string): ConfigurationError {
  return new ConfigurationError({
    code: 'LZ_OPTION_INVALID',
    summary: 'the certificate of this node cannot be used:',
    issues: [{ path, message, hint }],
  });
}
