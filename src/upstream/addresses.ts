import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import { BlockList, isIP, isIPv4, type LookupFunction } from 'node:net';

/** Every address of a host name. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

export const resolveBySystem: Resolve = (hostname) => systemLookup(hostname, { all: true, verbatim: true });

// What the IANA special-purpose registries (RFC 6890) do not call globally reachable.
const NOT_PUBLIC: readonly (readonly [net: string, prefix: number])[] = [
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
  ['::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

const notPublic = new BlockList();
for (const [net, prefix] of NOT_PUBLIC) notPublic.addSubnet(net, prefix, isIPv4(net) ? 'ipv4' : 'ipv6');

/** True for an address anybody on the internet reaches; false for this machine, its network, and what is no address. */
export function isPublicAddress(address: string): boolean {
  const bare = address.replace(/%.*$/, '');
  if (isIP(bare) === 0) return false;
  const judged = isIPv4(bare) ? bare : (innerIPv4(bare) ?? bare);
  return !notPublic.check(judged, isIPv4(judged) ? 'ipv4' : 'ipv6');
}

/** A host that says by its own spelling that it is not on the public internet; an operator who writes it means it. */
export function isPrivateHost(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (isIP(bare) !== 0) return !isPublicAddress(bare);
  return !bare.includes('.') || /\.(?:localhost|internal|local|home\.arpa)$/.test(bare);
}

/**
 * A `lookup` for sockets that gives out only addresses we may connect to: all of a name's addresses are checked, and the
 * socket connects to what was checked (no second look-up for DNS rebinding to answer).
 */
export function guardedLookup(resolve: Resolve, mayBePrivate: (hostname: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (all) => {
        const found = all.filter(
          ({ family }) => options.family === 0 || options.family === undefined || options.family === family,
        );
        const first = found[0];
        const inward = mayBePrivate(hostname) ? undefined : all.find(({ address }) => !isPublicAddress(address));
        if (inward !== undefined)
          callback(failure('EPRIVATE', `${hostname} leads to ${inward.address}, which is not public`), '');
        else if (first === undefined) callback(failure('ENOTFOUND', `${hostname} has no address`), '');
        else if (options.all === true) callback(null, found);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : failure('ENOTFOUND', String(error)), ''),
    );
  };
}

function failure(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}

/** The IPv4 address inside an IPv6 one (::ffff:a.b.c.d, or NAT64's 64:ff9b::a.b.c.d), which is judged in its place. */
function innerIPv4(address: string): string | undefined {
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const groups = /^(?:::ffff:|64:ff9b::)(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})$/.exec(canonical);
  if (groups === null) return undefined;
  const bits = Number.parseInt(groups[1] ?? '0', 16) * 65536 + Number.parseInt(groups[2] ?? '0', 16);
  return [24, 16, 8, 0].map((shift) => Math.floor(bits / 2 ** shift) % 256).join('.');
}
