import { isIPv6 } from 'node:net';
import type { Caller } from '../async/caller.ts';
import type { Exchange } from './exchange.ts';

const IPV6_GROUPS = 8;
const NETWORK_GROUPS = 4;

/** The client of an exchange, as whoever works for it sees it: it leaves when its connection closes before its answer is whole. */
export function callerOf({ incoming, outgoing }: Exchange, index: string): Caller {
  const leaving = new AbortController();
  if (outgoing.destroyed) leaving.abort();
  else
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) leaving.abort();
    });
  const { socket } = incoming;
  const party = partyOf(socket.remoteAddress ?? '');
  return { index, party, connection: socket, priority: 'client', signal: leaving.signal };
}

/** Of an IPv6 address its /64: one household or machine may have all of it. */
export function partyOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : IPV6_GROUPS - left.length - right.length;
  const groups = [...left, ...Array<string>(Math.max(0, zeros)).fill('0'), ...right];
  return `${groups.slice(0, NETWORK_GROUPS).join(':')}::/64`;
}
