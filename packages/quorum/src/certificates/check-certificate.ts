import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { ConfigurationError } from '@lazarus/core';
import { flawOf, isValidAt, readAuthorities } from './authorities.ts';

/** PEM texts of one node. */
export interface NodeCertificate {
  /** One authority or several, one after the other: who is vouched for by any of them is trusted. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/**
 * Looks at the certificate of a node before anything relies on it: a wrong one would only show when peers refuse every
 * vote. Keeps S18.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID` when a text is no PEM, the certificate is another node's, was not issued by
 *   an authority that is valid now, does not belong to the key, or is not valid now.
 */
export function checkCertificate(
  node: NodeCertificate,
  about: { readonly self: string; readonly nowMs: number },
): void {
  const authorities = read('ca', node.ca, readAuthorities);
  const cert = read('cert', node.cert, (text) => new X509Certificate(text));
  const key = read('key', node.key, (text) => createPrivateKey(text));
  const problem = problemOf({ authorities, cert, key }, about);
  if (problem !== undefined) throw refusal(problem.path, problem.message, problem.hint);
}

interface Parts {
  readonly authorities: readonly X509Certificate[];
  readonly cert: X509Certificate;
  readonly key: KeyObject;
}

function problemOf(
  { authorities, cert, key }: Parts,
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
  const flaws = authorities.map((authority) => flawOf(authority, cert, nowMs));
  if (!flaws.includes(undefined)) {
    const tried = authorities.map((authority, index) => `${labelOf(authority)} ${flaws[index]}`);
    return {
      path: 'tls.cert',
      message: `was not issued by an authority in tls.ca that can vouch for it: ${tried.join('; ')}`,
      hint: 'use the ca that belongs to it',
    };
  }
  if (!cert.checkPrivateKey(key))
    return {
      path: 'tls.key',
      message: 'is not the key of the certificate in tls.cert',
      hint: 'use the key that belongs to it',
    };
  if (!isValidAt(cert, nowMs))
    return {
      path: 'tls.cert',
      message: `is valid from ${cert.validFrom} to ${cert.validTo}, which is not now`,
      hint: 'make a new one, or set the clock',
    };
  return undefined;
}

/** Authorities often share a name, so the serial number tells them apart. */
function labelOf(authority: X509Certificate): string {
  return `${authority.subject.replaceAll('\n', ', ')} (serial ${authority.serialNumber})`;
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
