import { BlockList, isIP } from 'node:net';

/**
 * Addresses at which a cloud tells a machine its own secrets, and those that lead there: link-local ones, the metadata
 * service over IPv6, those of other clouds, and 169.254.0.0/16 wrapped by NAT64, 6to4, translation or the old
 * IPv4-compatible form.
 */
const REFUSED = new BlockList();
REFUSED.addSubnet('169.254.0.0', 16, 'ipv4');
for (const metadata of ['100.100.100.200', '168.63.129.16', '192.0.0.192'])
  REFUSED.addAddress(metadata, 'ipv4');
REFUSED.addSubnet('fe80::', 10, 'ipv6');
for (const metadata of ['fd00:ec2::254', 'fd20:ce::254']) REFUSED.addAddress(metadata, 'ipv6');
REFUSED.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
REFUSED.addSubnet('64:ff9b:1::', 48, 'ipv6');
REFUSED.addSubnet('::ffff:0:a9fe:0', 112, 'ipv6');
REFUSED.addSubnet('2002:a9fe::', 32, 'ipv6');
REFUSED.addSubnet('::a9fe:0', 112, 'ipv6');
REFUSED.addSubnet('::ffff:a9fe:0', 112, 'ipv6');

/** Whether nothing may be asked of this address, in any of its spellings; false for a name. */
export function isLinkLocal(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const family = isIP(bare);
  return family !== 0 && REFUSED.check(bare, family === 4 ? 'ipv4' : 'ipv6');
}
