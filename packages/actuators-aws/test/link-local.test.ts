import { describe, expect, it } from 'vitest';
import { isLinkLocal } from '../src/link-local.ts';

/** The host of a URL, as the probe reads it. */
const hostOf = (authority: string): string => new URL(`http://${authority}/`).hostname;

describe('link-local addresses', () => {
  it.each([
    '169.254.169.254',
    '169.254.0.1',
    '169.254.169.254.',
    '2852039166',
    '0xa9fea9fe',
    '0xa9.0xfe.0xa9.0xfe',
    '0251.0376.0251.0376',
    '169.254.43518',
    '169.16689662',
    '%31%36%39.254.169.254',
    '①⑥⑨.254.169.254',
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[0:0:0:0:0:ffff:a9fe:a9fe]',
    '[::169.254.169.254]',
    '[64:ff9b::169.254.169.254]',
    '[64:ff9b:1::a9fe:a9fe]',
    '[::ffff:0:169.254.169.254]',
    '[2002:a9fe:a9fe::1]',
    '100.100.100.200',
    '168.63.129.16',
    '[::ffff:168.63.129.16]',
    '192.0.0.192',
    '[fe80::1]',
    '[FE80::1]',
    '[febf::1]',
    '[fd00:ec2::254]',
    '[fd20:ce::254]',
    '[fd00:0ec2:0:0:0:0:0:0254]',
  ])('%s is one', (authority) => {
    expect(isLinkLocal(hostOf(authority))).toBe(true);
  });

  it('an address with a zone is one', () => {
    expect(isLinkLocal('fe80::1%eth0')).toBe(true);
  });

  it.each([
    '169.253.255.255',
    '169.255.0.0',
    '10.0.0.1',
    '127.0.0.1',
    '[::1]',
    '[fec0::1]',
    '[fd00:ec2::255]',
    '[fd20:ce::255]',
    '[::ffff:10.0.0.1]',
    'web-1.internal',
  ])('%s is none', (authority) => {
    expect(isLinkLocal(hostOf(authority))).toBe(false);
  });
});
