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
    expect(check(filesOfA(others.nodes['a']))).toThrow(/was not issued by the authority in tls\.ca/);
  });

  it('with the key of another certificate is refused', () => {
    expect(check(filesOfA({ key: mine.nodes['b']!.key }))).toThrow(/tls\.key is not the key/);
  });

  it('is refused one day after its 30 days, and 2 h before them', () => {
    expect(check(filesOfA(), NOW_MS + 31 * DAY_MS)).toThrow(/which is not now/);
    expect(check(filesOfA(), NOW_MS - DAY_MS / 12)).toThrow(/which is not now/);
  });

  it('is refused without its text when a file holds something else', () => {
    const secret = 'not a key at all';
    expect(check(filesOfA({ key: secret }))).toThrow(/tls\.key is no PEM text/);
    expect(check(filesOfA({ key: secret }))).not.toThrow(secret);
    expect(check(filesOfA({ ca: '' }))).toThrow(/tls\.ca is no PEM text/);
  });
});
