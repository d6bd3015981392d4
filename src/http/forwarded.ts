import { BlockList, isIP } from 'node:net';
import { MAX_FORWARDED, MAX_HOPS, MAX_NODE } from './limits.ts';

/** A connection, as far as its other end goes. */
interface Connection {
  readonly remoteAddress?: string | undefined;
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Whose word on a client's address is taken. */
export interface TrustedProxies {
  /**
   * The address of the client: the connection's own, unless that is a trusted proxy's; then of the hops that
   * `X-Forwarded-For` or `Forwarded` (RFC 7239) names, from the right, the first that is not trusted itself.
   */
  clientOf(connection: Connection, headers: Headers): string;
}

/** `trusted`: addresses, and networks as `10.0.0.0/8`. */
export function createTrustedProxies(trusted: readonly string[]): TrustedProxies {
  const list = new BlockList();
  for (const each of trusted) {
    const [address = '', prefix] = each.split('/');
    if (prefix === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(prefix), familyOf(address));
  }
  const isTrusted = (address: string) => {
    const bare = address.replace(/%.*$/, '');
    return isIP(bare) !== 0 && list.check(bare, familyOf(bare));
  };
  // A connection comes from where it comes from: it is looked up once.
  const known = new WeakMap<Connection, boolean>();
  return {
    clientOf(connection, headers) {
      const peer = connection.remoteAddress ?? '';
      const trusts = known.get(connection) ?? isTrusted(peer);
      known.set(connection, trusts);
      return trusts ? walk(peer, headers, isTrusted) : peer;
    },
  };
}

/**
 * Where both headers came, the proxy wrote one and may have passed the other on as the client sent it: unless they
 * agree, neither is believed.
 */
function walk(peer: string, headers: Headers, isTrusted: (address: string) => boolean): string {
  const listed = headers['x-forwarded-for'];
  const forwarded = headers['forwarded'];
  const first = listed === undefined ? undefined : farthest(peer, hopsOf(listed.toString()), isTrusted);
  if (forwarded === undefined) return first ?? peer;
  const second = farthest(peer, forwardedHops(forwarded.toString()), isTrusted);
  return first === undefined || first === second ? second : peer;
}

/**
 * `hops`: nearest first. What is no address (malformed, `unknown`, an obfuscated identifier) ends the walk: then the proxy
 * that said so stands for whoever is behind it.
 */
function farthest(peer: string, hops: Iterable<string>, isTrusted: (address: string) => boolean): string {
  let last = peer;
  let count = 0;
  for (const hop of hops) {
    const address = addressOf(hop);
    if (address === undefined || ++count > MAX_HOPS) return last;
    last = address;
    if (!isTrusted(address)) return last;
  }
  return last;
}

/** The elements of a list without quoted strings, from the right. */
function* hopsOf(list: string): Generator<string> {
  for (let end = list.length; end >= 0; ) {
    const comma = end === 0 ? -1 : list.lastIndexOf(',', end - 1);
    yield list.slice(comma + 1, end).trim();
    end = comma;
  }
}

// RFC 7239 §4. Sticky: each continues where the last one ended, so that reading is linear.
const PAIR =
  /[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[^"\\]|\\[\s\S])*)"))?[ \t]*/y;

/** The `for` of each element, from the right; nothing where the header is malformed or too long. */
function forwardedHops(header: string): readonly string[] {
  if (header.length > MAX_FORWARDED) return [];
  const hops: string[] = [];
  let hop: string | undefined;
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex <= header.length) {
    const [, name, token, quoted] = PAIR.exec(header) ?? [];
    if (name?.toLowerCase() === 'for') {
      if (hop !== undefined) return [];
      hop = token ?? quoted?.replace(/\\([\s\S])/g, '$1') ?? '';
    }
    const separator = header[PAIR.lastIndex];
    if (separator === ';') {
      PAIR.lastIndex++;
      continue;
    }
    if (separator !== undefined && separator !== ',') return [];
    // An element without `for` tells nothing of who came before it.
    hops.push(hop ?? '');
    hop = undefined;
    PAIR.lastIndex++;
  }
  return hops.reverse();
}

// RFC 7239 §6: a port may be hidden, too.
const NODE =
  /^(?:\[([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)\](?::(?:\d{1,5}|_[\w.-]{1,64}))?|([0-9.]{7,15}):(?:\d{1,5}|_[\w.-]{1,64}))$/;
const MAPPED = /^::ffff:([0-9.]{7,15})$/i;

/** `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]`, `[2001:db8::1]:80`, and, where no port follows, `2001:db8::1`. */
function addressOf(hop: string): string | undefined {
  if (hop.length > MAX_NODE) return undefined;
  const [, bracketed, withPort] = NODE.exec(hop) ?? [];
  const address = bracketed ?? withPort ?? hop;
  if (address.includes('%') || isIP(address) === 0) return undefined;
  return MAPPED.exec(address)?.[1] ?? address.toLowerCase();
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}
