/**
 * Which addresses a request of a workflow may go to. IPv4 addresses wrapped in IPv6 are judged by what they wrap
 * (`::ffff:0:0/96`, by `BlockList`), or refused as a whole where nobody needs them (6to4, Teredo, translated addresses).
 *
 * @remarks Source: the special-purpose address registries of IANA; the documents of the clouds about their metadata services.
 */
import { BlockList, isIP } from 'node:net';

type Network = readonly [network: string, prefix: number, family: 'ipv4' | 'ipv6'];

/** Of this machine, its network, its provider, or of nobody. */
const PRIVATE: readonly Network[] = [
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.88.99.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['::', 96, 'ipv6'],
  ['64:ff9b::', 96, 'ipv6'],
  ['64:ff9b:1::', 48, 'ipv6'],
  ['100::', 64, 'ipv6'],
  ['2001:db8::', 32, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fec0::', 10, 'ipv6'],
];

/** Where a cloud tells a machine its own secrets, and what is no place to send a request to: refused in any case. */
const FORBIDDEN: readonly Network[] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['100.100.100.200', 32, 'ipv4'],
  ['168.63.129.16', 32, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['192.0.0.192', 32, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['::a9fe:0', 112, 'ipv6'],
  ['::ffff:0:0:0', 96, 'ipv6'],
  ['64:ff9b::a9fe:0', 112, 'ipv6'],
  ['64:ff9b:1::', 48, 'ipv6'],
  ['2001::', 32, 'ipv6'],
  ['2002::', 16, 'ipv6'],
  ['fd00:ec2::', 32, 'ipv6'],
  ['fd20:ce::254', 128, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
];

function blockListOf(networks: readonly Network[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix, family] of networks) list.addSubnet(network, prefix, family);
  return list;
}

const privates = blockListOf(PRIVATE);
const forbidden = blockListOf(FORBIDDEN);

/** Whether no request may go to an address, even where private ones are allowed; true for what is no address. */
export function isForbiddenAddress(address: string): boolean {
  return isIn(forbidden, address);
}

/** Whether an address belongs to this machine, its network or its cloud, or to nobody; true for what is no address. */
export function isPrivateAddress(address: string): boolean {
  return isIn(privates, address) || isForbiddenAddress(address);
}

function isIn(list: BlockList, address: string): boolean {
  const bare = address.replace(/%.*$/, '');
  const family = isIP(bare);
  return family === 0 || list.check(bare, family === 6 ? 'ipv6' : 'ipv4');
}
