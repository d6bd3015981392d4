import type { IncomingMessage, ServerResponse } from 'node:http';
import { MAX_IGNORED_BODY } from './limits.ts';
import { type Answer, BAD_REQUEST, METHOD_NOT_ALLOWED } from './reply/answers.ts';

// What node's parser lets through and no honest client sends. Node itself refuses CL with TE, two lengths, bare LF,
// NUL, a space before the colon, unknown Expect, oversized and late headers (faults D 104, 108, 111, 112).

// RFC 9112 §3.2, without user information: a name, an address, a port. It decides nothing here and is checked all the same.
const HOST = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._~-]{1,255})(?::([0-9]{1,5}))?$/;
const MAX_PORT = 65_535;

export function isHost(host: string): boolean {
  const match = HOST.exec(host);
  return match !== null && (match[1] === undefined || Number(match[1]) <= MAX_PORT);
}

/** What must be answered before anything is looked up, or undefined. */
export function guard(incoming: IncomingMessage, outgoing: ServerResponse): Answer | undefined {
  if (willNotBeRead(incoming)) outgoing.shouldKeepAlive = false;
  if (incoming.httpVersionMajor !== 1 || !hasOneHost(incoming.rawHeaders)) {
    outgoing.shouldKeepAlive = false;
    return BAD_REQUEST;
  }
  const { method } = incoming;
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' ? undefined : METHOD_NOT_ALLOWED;
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
function willNotBeRead({ headers }: IncomingMessage): boolean {
  if (headers['transfer-encoding'] !== undefined || headers.upgrade !== undefined) return true;
  return Number(headers['content-length'] ?? 0) > MAX_IGNORED_BODY;
}
