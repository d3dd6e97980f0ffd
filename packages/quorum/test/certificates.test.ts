import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { identityOf } from '../src/transports/certificate-identity.ts';
import { makeCertificates, MEMBERS, systemClock } from './transport-kit.ts';

describe('development certificates', () => {
  const made = makeCertificates();
  const ca = new X509Certificate(made.ca.cert);
  const node = new X509Certificate(made.nodes['a']!.cert);

  it('chain to their authority, which may sign certificates; the nodes may not', () => {
    expect(ca.ca).toBe(true);
    expect(node.ca).toBe(false);
    expect(node.checkIssued(ca)).toBe(true);
    expect(node.verify(ca.publicKey)).toBe(true);
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect(new X509Certificate(makeCertificates().nodes['a']!.cert).verify(ca.publicKey)).toBe(false);
  });

  it('carry the member id as their only DNS name and are valid now, for 30 days', () => {
    expect(node.subjectAltName).toBe('DNS:a');
    expect(Date.parse(node.validFrom)).toBeLessThan(systemClock.now());
    expect(Date.parse(node.validTo) - systemClock.now()).toBeGreaterThan(29 * 86_400_000);
    expect(node.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  });

  it('fit their private key', () => {
    const { cert, key } = made.nodes['b']!;
    expect(key).toContain('BEGIN PRIVATE KEY');
    expect(new X509Certificate(cert).publicKey.asymmetricKeyType).toBe('ec');
  });

  it('have different serial numbers', () => {
    const serials = MEMBERS.map((id) => new X509Certificate(made.nodes[id]!.cert).serialNumber);
    expect(new Set(serials).size).toBe(3);
  });
});

describe('identity in a certificate (S18)', () => {
  const identity = (name: string, members: readonly string[] = MEMBERS) =>
    identityOf(new X509Certificate(makeCertificates([name]).nodes[name]!.cert), members);

  it('is the member whose id is its DNS name', () => {
    expect(identity('b')).toBe('b');
    expect(identity('x')).toBeUndefined();
    expect(identityOf(undefined, MEMBERS)).toBeUndefined();
  });

  it('is nobody for a wildcard', () => {
    expect(identity('*.eu.region', ['a.eu.region'])).toBeUndefined();
  });

  it('is nobody for a certificate that fits two members', () => {
    const certificate = new X509Certificate(makeCertificates(['a']).nodes['a']!.cert);
    certificate.checkHost = (name) => (name === 'a' || name === 'b' ? name : undefined);
    expect(identityOf(certificate, ['a'])).toBe('a');
    expect(identityOf(certificate, MEMBERS)).toBeUndefined();
  });
});
