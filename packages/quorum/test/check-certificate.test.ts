import { X509Certificate } from 'node:crypto';
import { checkCertificate, createDevCertificates } from '@lazarus/quorum';
import { describe, expect, it } from 'vitest';

const NOW_MS = Date.parse('2026-03-01T00:00:00Z');
const DAY_MS = 86_400_000;
const mine = createDevCertificates({ members: ['a', 'b'], nowMs: NOW_MS });
const others = createDevCertificates({ members: ['a'], nowMs: NOW_MS });

/** The files of node a, with some of them exchanged. */
const filesOfA = (exchanged: Partial<{ ca: string; cert: string; key: string }> = {}) => ({
  ca: mine.ca.cert,
  ...mine.nodes['a']!,
  ...exchanged,
});
const check =
  (files: ReturnType<typeof filesOfA>, nowMs = NOW_MS) =>
  () =>
    checkCertificate(files, { self: 'a', nowMs });

describe('the certificate of a node', () => {
  it('is accepted when it is its own, of its authority, and valid now', () => {
    expect(check(filesOfA())).not.toThrow();
  });

  it('S18: of another node is refused, and the message names both', () => {
    expect(check(filesOfA(mine.nodes['b']))).toThrow(/tls\.cert.*is for b, and this is node a/s);
  });

  it('of another authority is refused', () => {
    expect(check(filesOfA(others.nodes['a']))).toThrow(/was not issued by an authority in tls\.ca/);
  });

  it.each([
    ['old, new', `${mine.ca.cert}\n${others.ca.cert}`],
    ['new, old', `${others.ca.cert}some words between\n${mine.ca.cert}`],
  ])('is accepted when either of two authorities issued it, in the order %s', (_order, ca) => {
    expect(check(filesOfA({ ca }))).not.toThrow();
    expect(check(filesOfA({ ...others.nodes['a']!, ca }))).not.toThrow();
  });

  it('is refused with the names of all authorities that were tried, and why', () => {
    const third = createDevCertificates({ members: ['a'], nowMs: NOW_MS });
    const serialOf = (pem: string) => new X509Certificate(pem).serialNumber;
    const ca = `${mine.ca.cert}${others.ca.cert}`;
    expect(check(filesOfA({ ...third.nodes['a']!, ca }))).toThrow(
      new RegExp(
        `development authority \\(serial ${serialOf(mine.ca.cert)}\\) did not issue it; ` +
          `.*\\(serial ${serialOf(others.ca.cert)}\\) did not issue it`,
      ),
    );
  });

  it('is refused when its authority is not valid any more, or is none', () => {
    const late = NOW_MS + 31 * DAY_MS;
    expect(check(filesOfA(), late)).toThrow(/is not valid now/);
    expect(check(filesOfA({ ca: mine.nodes['b']!.cert }))).toThrow(/CN=b .* did not issue it/);
  });

  it('with the key of another certificate is refused', () => {
    expect(check(filesOfA({ key: mine.nodes['b']!.key }))).toThrow(/tls\.key is not the key/);
  });

  it('is refused one day after its 30 days, and 2 h before them', () => {
    expect(check(filesOfA(), NOW_MS + 31 * DAY_MS)).toThrow(/not valid now/);
    expect(check(filesOfA(), NOW_MS - DAY_MS / 12)).toThrow(/not valid now/);
  });

  it('is refused without its text when a file holds something else', () => {
    const secret = 'not a key at all';
    expect(check(filesOfA({ key: secret }))).toThrow(/tls\.key is no PEM text/);
    expect(check(filesOfA({ key: secret }))).not.toThrow(secret);
    expect(check(filesOfA({ ca: '' }))).toThrow(/tls\.ca is no PEM text/);
    const cut = `${mine.ca.cert}${others.ca.cert.replace(/\n.{64}\n/, '\n')}`;
    expect(check(filesOfA({ ca: cut }))).toThrow(/tls\.ca is no PEM text/);
  });
});
