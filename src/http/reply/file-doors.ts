import { mustBe } from '../../bytes/proof.ts';
import type { Range } from '../../bytes/range.ts';
import { FileAnswer } from '../../mirror/package-index.ts';
import { Blob } from '../../ports/blob.ts';
import { ClientLeft, type Exchange, outgoingOf } from '../exchange.ts';
import {
  bareHeaders,
  elsewhereHeaders,
  type FileFacts,
  type FlatHeaders,
  fileHeaders,
  type ResponsePolicy,
  validators,
} from './headers.ts';
import { begin, handOver, sendHeaders } from './sending.ts';

// The doors of files: a body is a blob's, and a header speaks of a blob or of a file that a believed page or a verified
// role lists.

/** The 200 of a HEAD that needs no bytes; the size of the file must be known. */
export function replyFileHead(
  exchange: Exchange,
  policy: ResponsePolicy,
  file: FileAnswer | Blob,
  immutable: boolean,
): void {
  const { size, sha256 } = listed(file);
  if (size === undefined) throw new TypeError('The size of this file is not known yet.');
  sendHeaders(outgoingOf(exchange), 200, fileHeaders(policy, { size, sha256, immutable }));
}

/** The client has these bytes already. */
export function replyFileUnchanged(
  exchange: Exchange,
  policy: ResponsePolicy,
  file: FileAnswer | Blob,
  immutable: boolean,
): void {
  sendHeaders(outgoingOf(exchange), 304, validators(policy, listed(file).sha256, immutable));
}

/** The client is sent to another host for a file that was proved here; what leaves there is not. */
export function replyFileElsewhere(exchange: Exchange, policy: ResponsePolicy, blob: Blob, location: string): void {
  mustBe(Blob, blob);
  if (!/^https?:$/.test(new URL(location).protocol)) throw new TypeError('A file elsewhere has a whole address.');
  exchange.notes.route = 'redirect';
  sendHeaders(outgoingOf(exchange), 302, elsewhereHeaders(policy, location));
}

function listed(file: FileAnswer | Blob): FileAnswer | Blob {
  return Blob.is(file) ? file : mustBe(FileAnswer, file);
}

/**
 * A proved file or a part of it, each chunk checked as it leaves. The headers go with the first checked chunk: a
 * refusal before it leaves the answer open for another; one after it must end in `replyError`. The last chunk leaves when `beforeLast` resolves.
 */
export async function replyBlob(
  exchange: Exchange,
  policy: ResponsePolicy,
  blob: Blob,
  immutable: boolean,
  part: Range | undefined,
  beforeLast: Promise<void> | undefined,
): Promise<void> {
  const { size, sha256 } = mustBe(Blob, blob);
  const facts: FileFacts = { size, sha256, immutable };
  await replyPart(exchange, blob, part, { index: policy.name, headers: fileHeaders(policy, facts, part), beforeLast });
}

/** A file for another replica, which knows what it asked for and proves it. */
export async function replyBare(exchange: Exchange, blob: Blob): Promise<void> {
  await replyPart(exchange, blob, undefined, { index: '', headers: bareHeaders(mustBe(Blob, blob).size) });
}

async function replyPart(
  exchange: Exchange,
  blob: Blob,
  part: Range | undefined,
  {
    index,
    headers,
    beforeLast,
  }: { readonly index: string; readonly headers: FlatHeaders; readonly beforeLast?: Promise<void> | undefined },
): Promise<void> {
  const outgoing = outgoingOf(exchange);
  const { notes } = exchange;
  const { start, end } = part ?? { start: 0, end: blob.size };
  const beginAnswer = () => {
    notes.promised = end - start;
    // Node then refuses to send more or fewer bytes than the headers promise.
    outgoing.strictContentLength = true;
    begin(outgoing, part === undefined ? 200 : 206, headers);
  };
  const caller = exchange.callerOf(index);
  const send = async (chunk: Uint8Array) => {
    if (notes.bytes + chunk.byteLength >= end - start) await beforeLast;
    if (!outgoing.headersSent) beginAnswer();
    await handOver(exchange, outgoing, chunk, caller.signal);
    notes.bytes += chunk.byteLength;
  };
  try {
    await blob.send({ start, end }, send, caller);
    if (!outgoing.headersSent) beginAnswer();
    outgoing.end();
  } catch (error) {
    // The client left: nobody is there to be told, and nothing was wrong with the file.
    if (caller.signal.aborted || error instanceof ClientLeft) return;
    throw error;
  }
}
