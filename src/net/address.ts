import { BlockList, isIPv4, isIPv6 } from 'node:net';

// IANA's IPv4 and IPv6 special-purpose address registries (RFC 6890): everything in them that is not globally reachable.
const SPECIAL_IPV4: [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

// Inside of 2000::/3, the only global unicast space. 2001::/23 has Teredo, 2002::/16 (6to4) embeds an IPv4 address.
const SPECIAL_IPV6: [string, number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const special = new BlockList();
const unicast = new BlockList();
for (const [network, prefix] of SPECIAL_IPV4) special.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of SPECIAL_IPV6) special.addSubnet(network, prefix, 'ipv6');
unicast.addSubnet('2000::', 3, 'ipv6');

/**
 * Whether anybody on the Internet can reach this literal address. Loopback, private, link-local, shared, mapped, translated
 * (NAT64), documentation and multicast addresses are not public, nor is anything that is no literal address.
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !special.check(address, 'ipv4');
  const plain = address.split('%')[0] ?? '';
  return isIPv6(plain) && unicast.check(plain, 'ipv6') && !special.check(plain, 'ipv6');
}

/** A host without the brackets in which addresses write IPv6. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
