import type { ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { FlatHeaders } from './headers.ts';

// How the doors hand an answer to node.

/** The headers of an answer, which has then begun. */
export function begin(outgoing: ServerResponse, status: number, headers: FlatHeaders, phrase?: string): void {
  // The array is only read; node's types do not say so.
  if (phrase === undefined) outgoing.writeHead(status, headers as string[]);
  else outgoing.writeHead(status, phrase, headers as string[]);
}

/** An answer without a body. */
export function sendHeaders(outgoing: ServerResponse, status: number, headers: FlatHeaders): void {
  begin(outgoing, status, headers);
  outgoing.end();
}

/**
 * A body that is whole in memory, and that the headers were made of: node need not count it, and then hands it on in
 * fewer steps. Returns how many bytes of it were sent.
 */
export function sendWhole(
  outgoing: ServerResponse,
  head: boolean,
  status: number,
  headers: FlatHeaders,
  bytes: Uint8Array,
  phrase?: string,
): number {
  begin(outgoing, status, headers, phrase);
  if (head) {
    outgoing.end();
    return 0;
  }
  outgoing.end(bytes);
  return bytes.byteLength;
}

/** Ends a connection so that no client takes what came for a whole body: RST, over TLS a close without its goodbye. */
export function cut(outgoing: ServerResponse): void {
  const { socket } = outgoing;
  if (socket === null) outgoing.destroy();
  else if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
