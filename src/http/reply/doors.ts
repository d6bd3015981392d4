import type { ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import { Blob, type Range } from '../../bytes/blob.ts';
import { sha256Hex } from '../../bytes/digest.ts';
import { lend, mustBe } from '../../bytes/proof.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { UnverifiedDocument } from '../../bytes/unverified.ts';
import { FileAnswer, type SignedDocument } from '../../mirror/package-index.ts';
import type { Choice } from '../../render/negotiate.ts';
import { Page, type Variant } from '../../render/page.ts';
import type { Exchange } from '../exchange.ts';
import { CHUNK_LEAST_MS, SLOWEST_READER } from '../limits.ts';
import { type Answer, OWN_FAULT } from './answers.ts';
import {
  type FileFacts,
  type FlatHeaders,
  fileHeaders,
  fileTag,
  type Manner,
  optionsHeaders,
  type PageHeaders,
  problemHeaders,
  redirectHeaders,
  textHeaders,
  unverifiedHeaders,
  validators,
} from './headers.ts';
import { answerTo } from './problems.ts';
import { holdsAlready } from './ranges.ts';

// The one door out (DESIGN §1.2): a body is a page's, a blob's, a signed document's, one that says of itself that nothing
// vouches for it, or words of our own.

function open(outgoing: ServerResponse, status: number, headers: FlatHeaders, phrase?: string): void {
  // The array is only read; node's types do not say so.
  if (phrase === undefined) outgoing.writeHead(status, headers as string[]);
  else outgoing.writeHead(status, phrase, headers as string[]);
}

/**
 * A body that is whole in memory, and that the headers were made of: node need not count it, and then hands it on in
 * fewer steps. Returns how many bytes of it were sent.
 */
function sendWhole(
  outgoing: ServerResponse,
  head: boolean,
  status: number,
  headers: FlatHeaders,
  bytes: Uint8Array,
  phrase?: string,
): number {
  open(outgoing, status, headers, phrase);
  if (head) {
    outgoing.end();
    return 0;
  }
  outgoing.end(bytes);
  return bytes.byteLength;
}

/** The body of a page that the client chose, or 304 where the client holds exactly this one. Returns how many bytes of body were sent. */
export function replyPage(
  outgoing: ServerResponse,
  head: boolean,
  page: Page,
  { format, coding }: Choice,
  headersOf: (variant: Variant) => PageHeaders,
  ifNoneMatch: string | undefined,
): number {
  const variant = mustBe(Page, page).variant(format, coding);
  const headers = headersOf(variant);
  if (ifNoneMatch !== undefined && holdsAlready(ifNoneMatch, variant.body.etag)) {
    open(outgoing, 304, headers.unchanged);
    outgoing.end();
    return 0;
  }
  return sendWhole(outgoing, head, 200, headers.full, lend(variant.body.bytes));
}

/** The 200 of a HEAD that needs no bytes; the size of the file must be known. */
export function replyFileHead(
  { outgoing }: Exchange,
  manner: Manner,
  file: FileAnswer | Blob,
  immutable: boolean,
): void {
  const { size, sha256 } = Blob.is(file) ? file : mustBe(FileAnswer, file);
  if (size === undefined) throw new TypeError('The size of this file is not known yet.');
  open(outgoing, 200, fileHeaders(manner, { size, sha256, immutable }));
  outgoing.end();
}

/** The client has these bytes already. */
export function replyFileUnchanged(
  { outgoing }: Exchange,
  manner: Manner,
  file: FileAnswer | Blob,
  immutable: boolean,
): void {
  const { sha256 } = Blob.is(file) ? file : mustBe(FileAnswer, file);
  open(outgoing, 304, validators(manner, sha256, immutable));
  outgoing.end();
}

/**
 * A proved file or a part of it, each chunk checked as it leaves. The headers go with the first checked chunk: a
 * refusal before it leaves the answer open for another; one after it must end in `replyError`.
 */
export async function replyBlob(
  exchange: Exchange,
  manner: Manner,
  blob: Blob,
  immutable: boolean,
  part: Range | undefined,
): Promise<void> {
  const { outgoing, notes } = exchange;
  mustBe(Blob, blob);
  const facts: FileFacts = { size: blob.size, sha256: blob.sha256, immutable };
  const { start, end } = part ?? { start: 0, end: blob.size };
  const begin = () => {
    notes.promised = end - start;
    // Node then refuses to send more or fewer bytes than the headers promise (faults F 142).
    outgoing.strictContentLength = true;
    open(outgoing, part === undefined ? 200 : 206, fileHeaders(manner, facts, part));
  };
  const leaving = new AbortController();
  const onClose = () => leaving.abort();
  outgoing.once('close', onClose);
  try {
    if (outgoing.destroyed) return;
    await blob.send(
      { start, end },
      async (chunk) => {
        if (!outgoing.headersSent) begin();
        await handOver(exchange, chunk, leaving.signal);
        notes.bytes += chunk.byteLength;
      },
      leaving.signal,
    );
    if (!outgoing.headersSent) begin();
    outgoing.end();
  } catch (error) {
    // The client left: nobody is there to be told, and nothing was wrong with the file.
    if (leaving.signal.aborted) return;
    throw error;
  } finally {
    outgoing.off('close', onClose);
  }
}

/**
 * Resolves when the chunk's memory may be used again; rejects when the client has left (by then nothing reads it).
 * A client that takes a few bytes now and then never stalls; a chunk that takes it too long ends it all the same.
 */
function handOver({ outgoing, notes }: Exchange, chunk: Uint8Array, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const patience = Math.max(CHUNK_LEAST_MS, (chunk.byteLength / SLOWEST_READER) * 1000);
    const timer = setTimeout(() => {
      notes.reason = 'slow';
      cut(outgoing);
    }, patience);
    const left = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    signal.addEventListener('abort', left, { once: true });
    outgoing.write(chunk, (error) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', left);
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
}

/** Ends a connection so that no client takes what came for a whole body: RST, over TLS a close without its goodbye. */
export function cut(outgoing: ServerResponse): void {
  const { socket } = outgoing;
  if (socket === null) outgoing.destroy();
  else if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

const documentTags = new WeakMap<Uint8Array, string>();

function tagOf(bytes: Uint8Array): string {
  const sha256 = documentTags.get(bytes) ?? sha256Hex(bytes);
  documentTags.set(bytes, sha256);
  return sha256;
}

/** A document of the signed repository, upstream's bytes exactly (DESIGN J3). */
export function replyDocument(exchange: Exchange, manner: Manner, { bytes, immutable }: SignedDocument): void {
  const { incoming, outgoing, head, notes } = exchange;
  const sha256 = tagOf(bytes);
  if (holdsAlready(incoming.headers['if-none-match'], fileTag(sha256))) {
    open(outgoing, 304, validators(manner, sha256, immutable));
    outgoing.end();
    return;
  }
  const headers = [
    'Content-Type',
    'application/json',
    'Content-Length',
    String(bytes.byteLength),
    ...validators(manner, sha256, immutable),
  ];
  notes.bytes = sendWhole(outgoing, head, 200, headers, bytes);
}

/** A document that nothing vouches for, and that says so. */
export function replyUnverified(exchange: Exchange, manner: Manner, document: UnverifiedDocument): void {
  const { contentType, maxAge, serial } = mustBe(UnverifiedDocument, document);
  const bytes = lend(document.bytes);
  const { incoming, outgoing, head, notes } = exchange;
  const sha256 = tagOf(bytes);
  const headers = unverifiedHeaders(manner, sha256, maxAge, serial);
  if (holdsAlready(incoming.headers['if-none-match'], fileTag(sha256))) {
    open(outgoing, 304, headers);
    outgoing.end();
    return;
  }
  const length = String(bytes.byteLength);
  const full = ['Content-Type', contentType, 'Content-Length', length, ...headers];
  notes.bytes = sendWhole(outgoing, head, 200, full, bytes);
}

/** What went wrong, in words: RFC 9457, and the same sentence as the reason phrase. */
export function replyProblem(
  { outgoing, head, notes }: Exchange,
  manner: Manner | undefined,
  answer: Answer,
  extra: FlatHeaders = [],
): void {
  const { status, phrase, detail, reason } = answer;
  const bytes = Buffer.from(JSON.stringify({ title: phrase, status, detail, reason }));
  notes.reason = reason;
  notes.bytes = sendWhole(
    outgoing,
    head,
    status,
    [...problemHeaders(manner, answer, bytes.byteLength), ...extra],
    bytes,
    phrase,
  );
}

/** Answers an error, or cuts the connection where an answer has already begun. True where it is a fault of our own. */
export function replyError(exchange: Exchange, manner: Manner | undefined, error: unknown): boolean {
  const { outgoing, notes } = exchange;
  const refusal = error instanceof Refusal ? error : undefined;
  if (refusal !== undefined) notes.reason = refusal.reason;
  if (outgoing.headersSent) cut(outgoing);
  else if (!outgoing.destroyed) replyProblem(exchange, manner, refusal === undefined ? OWN_FAULT : answerTo(refusal));
  return refusal === undefined;
}

/** `location` is relative or a path of one leading slash: it names no host. */
export function replyRedirect({ outgoing }: Exchange, manner: Manner | undefined, location: string): void {
  open(outgoing, 301, redirectHeaders(manner, location));
  outgoing.end();
}

/** CORS preflight, and OPTIONS of anything. */
export function replyOptions({ outgoing }: Exchange, manner: Manner): void {
  open(outgoing, 204, optionsHeaders(manner));
  outgoing.end();
}

/** A few plain words of our own, for a person who opens the address in a browser. */
export function replyText({ outgoing, head, notes }: Exchange, text: string): void {
  const bytes = Buffer.from(text);
  notes.bytes = sendWhole(outgoing, head, 200, textHeaders(bytes.byteLength), bytes);
}
