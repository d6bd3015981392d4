const GROUPS = 8;
const NETWORK_GROUPS = 4;
const SITE_GROUPS = 3;

/** Whom a client's address stands for: an IPv4 address for itself, an IPv6 address for its /64, all of which one machine may have. */
export function partyOf(address: string): string {
  const mapped = mappedOf(address);
  if (mapped !== undefined) return mapped;
  return address.includes(':') ? networkOf(address, NETWORK_GROUPS) : address;
}

/** Of an address so much as tells a site, and no machine of it: an IPv4 address's /24, an IPv6 address's /48. */
export function siteOf(address: string): string {
  const given = mappedOf(address) ?? address;
  return given.includes(':') ? networkOf(given, SITE_GROUPS) : given.replace(/\.\d+$/, '.0/24');
}

function mappedOf(address: string): string | undefined {
  return /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address)?.[1];
}

function networkOf(address: string, kept: number): string {
  const [before = '', after] = address.replace(/%.*$/, '').split('::');
  const groups = before.split(':').filter((group) => group !== '');
  // RFC 4291 §2.2: `::` stands for as many groups of zeros as are missing.
  const behind = after === undefined ? [] : after.split(':').filter((group) => group !== '');
  while (after !== undefined && groups.length + behind.length < GROUPS) groups.push('0');
  const network = [...groups, ...behind].slice(0, kept).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/${16 * kept}`;
}
