import type { Exchange } from './exchange.ts';
import { MAX_IGNORED_BODY } from './limits.ts';
import { type Answer, BAD_REQUEST, METHOD_NOT_ALLOWED } from './reply/answers.ts';

// What node's parser lets through and no honest client sends. Node itself refuses CL with TE, two lengths, bare LF,
// NUL, a space before the colon, unknown Expect, oversized and late headers.

// RFC 9112 §3.2, without user information: a name, an address, a port. It decides nothing here and is checked all the same.
const HOST = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._~-]{1,255})(?::([0-9]{1,5}))?$/;
const MAX_PORT = 65_535;

export function isHost(host: string): boolean {
  const match = HOST.exec(host);
  return match !== null && (match[1] === undefined || Number(match[1]) <= MAX_PORT);
}

/** What must be answered before anything is looked up, or undefined. `takes`: whether something may be sent to a request target. */
export function guard(exchange: Exchange, takes: (url: string) => boolean): Answer | undefined {
  const isSent = exchange.method === 'POST' && takes(exchange.url);
  if (!isSent) endUnread(exchange);
  if (exchange.majorVersion !== 1 || !hasOneHost(exchange.rawHeaders)) {
    exchange.endConnection();
    return BAD_REQUEST;
  }
  const { method } = exchange;
  return isSent || method === 'GET' || method === 'HEAD' || method === 'OPTIONS' ? undefined : METHOD_NOT_ALLOWED;
}

/** The connection ends with the answer where a body comes that nobody reads. */
export function endUnread(exchange: Exchange): void {
  if (isTooMuchUnread(exchange)) exchange.endConnection();
}

/** RFC 9112 §3.2: exactly one. Node checks that there is one, and keeps the first of several. */
function hasOneHost(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length !== 4 || name.toLowerCase() !== 'host') continue;
    hosts++;
    if (!isHost(rawHeaders[at + 1] ?? '')) return false;
  }
  return hosts === 1;
}

/** A body nobody asked for is read away while it is small; a large one, or one of unknown length, ends the connection. */
function isTooMuchUnread({ headers }: Exchange): boolean {
  if (headers['transfer-encoding'] !== undefined || headers.upgrade !== undefined) return true;
  return Number(headers['content-length'] ?? 0) > MAX_IGNORED_BODY;
}
