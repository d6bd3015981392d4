import { sha256Hex } from '../../bytes/digest.ts';
import { isListed, strongTag } from '../../bytes/etag.ts';
import { lend, mustBe } from '../../bytes/proof.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { UnverifiedDocument } from '../../bytes/unverified.ts';
import type { Life, SignedDocument } from '../../mirror/package-index.ts';
import { JSON_TYPE } from '../../pypi/media-types.ts';
import { type Choice, type Format, prefersHtml, prefersJson } from '../../render/negotiate.ts';
import { Page } from '../../render/page.ts';
import { Verified } from '../../tuf/verified.ts';
import { Shown } from '../../web/shown.ts';
import { ClientLeft, type Exchange, outgoingOf } from '../exchange.ts';
import { Answer, OWN_FAULT } from './answers.ts';
import { errorPage, PAGE_HEADERS } from './error-page.ts';
import {
  type FlatHeaders,
  optionsHeaders,
  type PageHeadersOf,
  PROBLEM_HEADERS,
  problemHeaders,
  type ResponsePolicy,
  redirectHeaders,
  shownHeaders,
  textHeaders,
  unverifiedHeaders,
  validators,
} from './headers.ts';
import { OwnWords } from './own-words.ts';
import { answerTo } from './problems.ts';
import { begin, cut, handOver, sendHeaders, sendWhole } from './sending.ts';

// The doors of what is whole in memory: a page's body, a signed document's, one that says of itself that nothing vouches
// for it, or words of our own. Each asks at run time whether it was given one.

/** The body of a page that the client chose, or 304 where it holds exactly this one. Returns how many bytes of body were sent. */
export function replyPage(
  exchange: Exchange,
  page: Page,
  { format, coding }: Choice,
  headersOf: PageHeadersOf,
  life?: Life | undefined,
): number {
  const outgoing = outgoingOf(exchange);
  const variant = mustBe(Page, page).variant(format, coding);
  const headers = headersOf(variant, life);
  const ifNoneMatch = exchange.headers['if-none-match'];
  if (ifNoneMatch !== undefined && isListed(ifNoneMatch, variant.body.etag)) {
    sendHeaders(outgoing, 304, headers.unchanged);
    return 0;
  }
  return sendWhole(exchange, outgoing, 200, headers.full, lend(variant.body.bytes));
}

/** The same body plain, made as the client takes it: one of many megabytes is nowhere whole. `index` is whose it is. */
export async function replyPlainPage(
  exchange: Exchange,
  page: Page,
  format: Format,
  headersOf: PageHeadersOf,
  { index, life }: { readonly index: string; readonly life?: Life | undefined },
): Promise<void> {
  const outgoing = outgoingOf(exchange);
  const facts = mustBe(Page, page).plainFacts(format);
  const headers = headersOf(facts, life);
  if (isListed(exchange.headers['if-none-match'], facts.body.etag))
    return sendHeaders(outgoing, 304, headers.unchanged);
  if (exchange.head) return sendHeaders(outgoing, 200, headers.full);
  const { signal } = exchange.callerOf(index);
  exchange.notes.promised = facts.body.length;
  outgoing.strictContentLength = true;
  begin(outgoing, 200, headers.full);
  try {
    for await (const piece of page.plain(format)) {
      await handOver(exchange, outgoing, piece, signal);
      exchange.notes.bytes += piece.byteLength;
    }
    outgoing.end();
  } catch (error) {
    if (!signal.aborted && !(error instanceof ClientLeft)) throw error;
  }
}

const documentTags = new WeakMap<Uint8Array, string>();

function tagOf(bytes: Uint8Array): string {
  const sha256 = documentTags.get(bytes) ?? sha256Hex(bytes);
  documentTags.set(bytes, sha256);
  return sha256;
}

/** A document of the signed repository, upstream's bytes exactly. */
export function replyDocument(
  exchange: Exchange,
  policy: ResponsePolicy,
  { document, immutable }: SignedDocument,
): void {
  const bytes = lend(mustBe(Verified, document).bytes);
  const sha256 = tagOf(bytes);
  replyTagged(exchange, sha256, JSON_TYPE, validators(policy, sha256, immutable), bytes);
}

/** A document that nothing vouches for, and that says so. */
export function replyUnverified(exchange: Exchange, policy: ResponsePolicy, document: UnverifiedDocument): void {
  const { contentType, maxAge, serial } = mustBe(UnverifiedDocument, document);
  const bytes = lend(document.bytes);
  const sha256 = tagOf(bytes);
  replyTagged(exchange, sha256, contentType, unverifiedHeaders(policy, sha256, maxAge, serial), bytes);
}

function replyTagged(
  exchange: Exchange,
  sha256: string,
  contentType: string,
  headers: FlatHeaders,
  bytes: Uint8Array,
): void {
  const outgoing = outgoingOf(exchange);
  if (isListed(exchange.headers['if-none-match'], strongTag(sha256))) {
    sendHeaders(outgoing, 304, headers);
    return;
  }
  const full = ['Content-Type', contentType, 'Content-Length', String(bytes.byteLength), ...headers];
  exchange.notes.bytes = sendWhole(exchange, outgoing, 200, full, bytes);
}

/** What went wrong, in words: RFC 9457, or a page for a browser; and the same sentence as the reason phrase. */
export function replyProblem(
  exchange: Exchange,
  policy: ResponsePolicy | undefined,
  answer: Answer,
  extra: FlatHeaders = [],
): void {
  const { status, phrase, detail, reason } = mustBe(Answer, answer);
  const isPage = prefersHtml(exchange.headers.accept);
  const bytes = Buffer.from(isPage ? errorPage(answer) : JSON.stringify({ title: phrase, status, detail, reason }));
  const form = isPage ? PAGE_HEADERS : PROBLEM_HEADERS;
  const headers = [...form, ...problemHeaders(policy, answer, bytes.byteLength), ...extra];
  exchange.notes.reason = reason;
  exchange.notes.bytes = sendWhole(exchange, outgoingOf(exchange), status, headers, bytes, phrase);
}

/** Answers an error, or cuts the connection where an answer has already begun. True where it is a fault of our own. */
export function replyError(exchange: Exchange, policy: ResponsePolicy | undefined, error: unknown): boolean {
  const refusal = error instanceof Refusal ? error : undefined;
  if (refusal !== undefined) exchange.notes.reason = refusal.reason;
  if (exchange.begun) cut(outgoingOf(exchange));
  else if (!exchange.left)
    replyProblem(exchange, policy, refusal === undefined ? OWN_FAULT : answerTo(refusal, exchange.notes.route));
  return refusal === undefined;
}

/** A scheme, or what a browser takes for a host. */
const NAMES_A_HOST = /^(?:[a-z][a-z0-9+.-]*:|[/\\]{2})/i;

/** `location` is relative or a path of one leading slash. Throws TypeError where it names a host. */
export function replyRedirect(exchange: Exchange, policy: ResponsePolicy | undefined, location: string): void {
  if (NAMES_A_HOST.test(location)) throw new TypeError('A redirect may not lead to another host.');
  exchange.notes.route = 'redirect';
  sendHeaders(outgoingOf(exchange), 301, redirectHeaders(policy, location));
}

/** CORS preflight, and OPTIONS of anything. */
export function replyOptions(exchange: Exchange, policy: ResponsePolicy): void {
  sendHeaders(outgoingOf(exchange), 204, optionsHeaders(policy));
}

/** A page for people, or the same as JSON for a program that asks for that. */
export function replyShown(exchange: Exchange, page: Shown): void {
  const { html, json, status } = mustBe(Shown, page);
  const isJson = prefersJson(exchange.headers.accept);
  const bytes = Buffer.from(isJson ? json : html);
  const form = isJson ? ['Content-Type', JSON_TYPE] : PAGE_HEADERS;
  const headers = [...form, ...shownHeaders(bytes.byteLength)];
  exchange.notes.bytes = sendWhole(exchange, outgoingOf(exchange), status, headers, bytes);
}

/** A few words of our own: for a person who opens the address in a browser, or a machine that asks how we are. */
export function replyOwnWords(exchange: Exchange, words: OwnWords, extra: FlatHeaders = []): void {
  const { text, status, contentType } = mustBe(OwnWords, words);
  const bytes = Buffer.from(text);
  const headers = [...textHeaders(contentType, bytes.byteLength), ...extra];
  exchange.notes.bytes = sendWhole(exchange, outgoingOf(exchange), status, headers, bytes);
}
