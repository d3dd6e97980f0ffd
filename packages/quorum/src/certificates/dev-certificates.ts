/**
 * A certificate authority for one machine or one laboratory, and a certificate for each node. For production use the
 * authority that you already have: a node needs a certificate whose only DNS name is its member id.
 */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { bits, octets, oid, sequence, set, tagged, taggedText, time, unsigned, utf8, yes } from './der.ts';

/** A certificate and its private key, both PEM. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** What {@link createDevCertificates} makes. */
export interface DevCertificates {
  readonly ca: CertificatePair;
  /** By member id. */
  readonly nodes: Readonly<Record<string, CertificatePair>>;
}

const DAY_MS = 86_400_000;
const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const MAY_SIGN_CERTIFICATES = bits(Buffer.from([0b0000_0110]), 1);
const MAY_SIGN_HANDSHAKES = bits(Buffer.from([0b1000_0000]), 7);

/**
 * Makes a new authority and one certificate per member: P-256, for both ends of a connection, with the member id as its
 * only DNS name.
 *
 * @param options.validForMs - Time until they expire. @defaultValue 30 days
 */
export function createDevCertificates(options: {
  readonly members: readonly string[];
  /** Wall time from which they are valid; an hour is taken off for clocks that differ. */
  readonly nowMs: number;
  readonly validForMs?: number;
}): DevCertificates {
  const validity = {
    fromMs: options.nowMs - DAY_MS / 24,
    untilMs: options.nowMs + (options.validForMs ?? 30 * DAY_MS),
  };
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = {
    name: 'Lazarus development authority',
    privateKey: authority.privateKey,
    publicKey: authority.publicKey,
  };
  const ca = certify({
    ...validity,
    issuer,
    subject: issuer.name,
    publicKey: authority.publicKey,
    extensions: [
      extension('2.5.29.19', sequence(yes()), 'critical'),
      extension('2.5.29.15', MAY_SIGN_CERTIFICATES, 'critical'),
    ],
  });
  const nodes = options.members.map((member): [string, CertificatePair] => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const usages = sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'));
    const cert = certify({
      ...validity,
      issuer,
      subject: member,
      publicKey: pair.publicKey,
      extensions: [
        extension('2.5.29.15', MAY_SIGN_HANDSHAKES, 'critical'),
        extension('2.5.29.37', usages),
        extension('2.5.29.17', sequence(taggedText(2, Buffer.from(member, 'ascii')))),
        extension('2.5.29.35', sequence(taggedText(0, keyIdOf(issuer.publicKey)))),
      ],
    });
    return [member, { cert, key: pemOfKey(pair.privateKey) }];
  });
  return { ca: { cert: ca, key: pemOfKey(authority.privateKey) }, nodes: Object.fromEntries(nodes) };
}

function certify(spec: {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly issuer: { readonly name: string; readonly privateKey: KeyObject };
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Uint8Array[];
}): string {
  // Unique per key without drawing a number: the serial is taken from the key itself.
  const serial = createHash('sha256').update(keyIdOf(spec.publicKey)).digest().subarray(0, 16);
  const body = sequence(
    tagged(0, unsigned(Buffer.from([2]))),
    unsigned(serial),
    ECDSA_SHA256,
    nameOf(spec.issuer.name),
    sequence(time(spec.fromMs), time(spec.untilMs)),
    nameOf(spec.subject),
    spec.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...spec.extensions, extension('2.5.29.14', octets(keyIdOf(spec.publicKey))))),
  );
  const signature = sign('sha256', body, spec.issuer.privateKey);
  return pemOf('CERTIFICATE', sequence(body, ECDSA_SHA256, bits(signature)));
}

function extension(id: string, value: Uint8Array, critical?: 'critical'): Buffer {
  return sequence(oid(id), ...(critical === undefined ? [] : [yes()]), octets(value));
}

function nameOf(commonName: string): Buffer {
  return sequence(set(sequence(oid('2.5.4.3'), utf8(commonName))));
}

function keyIdOf(publicKey: KeyObject): Buffer {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 20);
}

function pemOfKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function pemOf(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
