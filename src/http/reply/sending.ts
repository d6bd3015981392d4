import type { ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import { timeLimit } from '../../async/timeout.ts';
import { ClientLeft, type Exchange } from '../exchange.ts';
import { SLOWEST_PART_MS, SLOWEST_READER } from '../limits.ts';
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
  { head, notes }: Pick<Exchange, 'head' | 'notes'>,
  outgoing: ServerResponse,
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
  // Most clients have taken all of it by now.
  if (outgoing.writableLength > 0) watchPace(outgoing, bytes.byteLength, notes);
  return bytes.byteLength;
}

/** A client that takes a few bytes now and then never stalls: what takes it too long ends all the same. */
function watchPace(outgoing: ServerResponse, bytes: number, notes: Exchange['notes']): void {
  const watch = () => {
    const callOff = timeLimit(Math.max(SLOWEST_PART_MS, (bytes / SLOWEST_READER) * 1000), () => {
      notes.reason = 'slow';
      cut(outgoing);
    });
    outgoing.once('close', callOff);
  };
  // An answer that waits behind another of its connection has no socket yet.
  if (outgoing.socket === null) outgoing.once('socket', watch);
  else watch();
}

/** Ends a connection so that no client takes what came for a whole body: RST, over TLS a close without its goodbye. */
export function cut(outgoing: ServerResponse): void {
  if (!(outgoing.socket instanceof TLSSocket)) outgoing.socket?.resetAndDestroy();
  outgoing.destroy();
}

/**
 * Resolves when the chunk's memory may be used again; rejects when the client has left. A client that takes a few bytes
 * now and then never stalls for node; one that takes too long over a part is cut all the same.
 */
export function handOver(
  { notes }: Pick<Exchange, 'notes'>,
  outgoing: ServerResponse,
  chunk: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const slowest = SLOWEST_PART_MS + (chunk.byteLength / SLOWEST_READER) * 1000;
    const callOff = timeLimit(slowest, () => {
      notes.reason = 'slow';
      cut(outgoing);
    });
    const left = () => {
      callOff();
      reject(signal.reason);
    };
    signal.addEventListener('abort', left, { once: true });
    outgoing.write(chunk, (error) => {
      callOff();
      signal.removeEventListener('abort', left);
      // The socket says so before it closes.
      if (error === null || error === undefined) resolve();
      else reject(new ClientLeft('the connection failed', { cause: error }));
    });
  });
}
