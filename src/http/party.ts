const GROUPS = 8;
const NETWORK_GROUPS = 4;

/** Whom a client's address stands for: an IPv4 address for itself, an IPv6 address for its /64, all of which one machine may have. */
export function partyOf(address: string): string {
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [before = '', after] = address.replace(/%.*$/, '').split('::');
  const groups = before.split(':').filter((group) => group !== '');
  // RFC 4291 §2.2: `::` stands for as many groups of zeros as are missing.
  const behind = after === undefined ? [] : after.split(':').filter((group) => group !== '');
  while (after !== undefined && groups.length + behind.length < GROUPS) groups.push('0');
  const network = [...groups, ...behind]
    .slice(0, NETWORK_GROUPS)
    .map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
