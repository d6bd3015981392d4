import { strongTag } from '../../bytes/etag.ts';
import type { Range } from '../../bytes/range.ts';
import type { EvidenceKind, Life } from '../../mirror/package-index.ts';
import type { CarriedLabel } from '../../pypi/listing.ts';
import { JSON_TYPE } from '../../pypi/media-types.ts';
import { type BodyFacts, VARY, type Variant } from '../../render/page.ts';
import { LONGEST_RETRY_AFTER, RELAYED_MAX_AGE } from '../limits.ts';
import type { Answer } from './answers.ts';

/** What all answers about one index share. */
export interface ResponsePolicy {
  readonly name: string;
  /** `none` of an address over several indexes: what it says of itself nobody vouches for. */
  readonly evidence: EvidenceKind | 'first-sight' | 'removed' | 'none' | CarriedLabel;
  /** True where any web page may read it; never for an index that needs credentials. */
  readonly cors: boolean;
  /** Who may store its answers: anybody on the way, or only the client, where reading needs credentials. */
  readonly storedBy: 'public' | 'private';
  /** Seconds a client may keep a page. */
  readonly pageMaxAge: number;
  /** Seconds that a client is asked to wait before it comes again, at most. */
  readonly longestRetryAfter: number;
}

/** Names and values in turn, as node writes them fastest. Prepared once where it can be; never changed. */
export type FlatHeaders = readonly string[];

/** A year: what the norm calls for ever. */
const IMMUTABLE = 'max-age=31536000, immutable';

function common(
  policy: ResponsePolicy | undefined,
  evidence: ResponsePolicy['evidence'] | undefined = policy?.evidence,
): FlatHeaders {
  const headers = ['X-Content-Type-Options', 'nosniff'];
  if (policy === undefined || evidence === undefined) return headers;
  // Whoever named a key may have used other characters than a header may have.
  headers.push('Verbatim-Evidence', evidence.replace(/[^ -~]/g, '?'));
  if (policy.cors)
    headers.push(
      'Access-Control-Allow-Origin',
      '*',
      'Access-Control-Expose-Headers',
      'ETag, Content-Range, Accept-Ranges, X-PyPI-Last-Serial, Verbatim-Evidence',
    );
  return headers;
}

/** The headers of one body of a page: of the 200 and of its 304 (RFC 9110 §15.4.5: the same tag, and no type). */
export interface PageHeaders {
  readonly full: FlatHeaders;
  readonly unchanged: FlatHeaders;
}

/** `life`: how old the page is and how long it may be kept, where nothing signed says. */
export type PageHeadersOf = (variant: Variant<BodyFacts>, life?: Life | undefined) => PageHeaders;

interface PreparedHeaders extends PageHeaders {
  readonly maxAge: number;
  readonly age: number;
}

/** Headers of pages, prepared once a body and second at most. */
export function createPageHeaders(policy: ResponsePolicy): PageHeadersOf {
  const shared = [...common(policy), 'Vary', VARY];
  const prepared = new WeakMap<Variant<BodyFacts>, PreparedHeaders>();
  return (variant, life) => {
    const maxAge = Math.min(policy.pageMaxAge, life?.left ?? policy.pageMaxAge);
    // Only of a page that may not be kept: clients would take its age off a time that is shortened by it already.
    const age = life?.left === 0 ? life.age : 0;
    const known = prepared.get(variant);
    if (known !== undefined && known.maxAge === maxAge && known.age === age) return known;
    const unchanged = [
      'ETag',
      variant.body.etag,
      ...serialHeader(variant.serial),
      ...shared,
      'Cache-Control',
      `${policy.storedBy}, max-age=${maxAge}`,
      ...(age === 0 ? [] : ['Age', String(age)]),
    ];
    const full = [
      'Content-Type',
      variant.contentType,
      'Content-Length',
      String(variant.body.length),
      ...(variant.coding === 'identity' ? [] : ['Content-Encoding', variant.coding]),
      ...unchanged,
    ];
    const headers = { full, unchanged, maxAge, age };
    prepared.set(variant, headers);
    return headers;
  };
}

/** What is known of a file's content when its headers are sent. */
export interface FileFacts {
  readonly size: number;
  readonly sha256: string | undefined;
  /** The URL cannot come to mean other bytes. */
  readonly immutable: boolean;
}

/** No coding, an exact length, `Accept-Ranges: bytes`. `part` makes them those of a 206. */
export function fileHeaders(policy: ResponsePolicy, facts: FileFacts, part?: Range | undefined): FlatHeaders {
  const length = part === undefined ? facts.size : part.end - part.start;
  return [
    'Content-Type',
    'application/octet-stream',
    'Content-Length',
    String(length),
    'Accept-Ranges',
    'bytes',
    ...(part === undefined ? [] : ['Content-Range', `bytes ${part.start}-${part.end - 1}/${facts.size}`]),
    ...validators(policy, facts.sha256, facts.immutable),
  ];
}

/** Bytes that say nothing of themselves, and that nobody on the way may keep. */
export function bareHeaders(length: number): FlatHeaders {
  const body = ['Content-Type', 'application/octet-stream', 'Content-Length', String(length)];
  return [...body, 'X-Content-Type-Options', 'nosniff', 'Cache-Control', 'no-store'];
}

/** Of a 304, and part of every other answer about the same bytes. */
export function validators(policy: ResponsePolicy, sha256: string | undefined, immutable: boolean): FlatHeaders {
  return [
    ...(sha256 === undefined ? [] : ['ETag', strongTag(sha256)]),
    'Cache-Control',
    immutable ? `${policy.storedBy}, ${IMMUTABLE}` : policy.storedBy === 'public' ? 'no-cache' : 'private, no-cache',
    ...common(policy),
  ];
}

/** RFC 9457; uv takes the type by equality and prints title and detail. */
export const PROBLEM_HEADERS: FlatHeaders = ['Content-Type', 'application/problem+json'];

/** Of an answer that tells what went wrong, in either form. */
export function problemHeaders(policy: ResponsePolicy | undefined, answer: Answer, length: number): FlatHeaders {
  return [
    'Content-Length',
    String(length),
    'Cache-Control',
    // What is kept is kept in the form that was asked for.
    ...(answer.maxAge === undefined ? ['no-store'] : [kept(policy, answer.maxAge), 'Vary', 'Accept']),
    ...(answer.retryAfter === undefined
      ? []
      : ['Retry-After', String(Math.min(whenToRetry(answer), policy?.longestRetryAfter ?? LONGEST_RETRY_AFTER))]),
    ...(answer.allow === undefined ? [] : ['Allow', answer.allow]),
    ...common(policy),
  ];
}

function whenToRetry({ retryAfter = 0, retrySpread = 0 }: Answer): number {
  return retryAfter + Math.floor(Math.random() * (retrySpread + 1));
}

/** Only names of one form and missing slashes are redirected, so that it may be kept. */
export function redirectHeaders(policy: ResponsePolicy | undefined, location: string): FlatHeaders {
  return ['Location', location, 'Content-Length', '0', 'Cache-Control', kept(policy, 600), ...common(policy)];
}

/** It ends soon, and nothing vouches for what is there. */
export function elsewhereHeaders(policy: ResponsePolicy, location: string): FlatHeaders {
  return ['Location', location, 'Content-Length', '0', 'Cache-Control', 'no-store', ...common(policy, 'none')];
}

/** Where no index is known the norm decides: an answer to credentials is stored by nobody else (RFC 9111 §3.5). */
function kept(policy: ResponsePolicy | undefined, seconds: number): string {
  return policy === undefined ? `max-age=${seconds}` : `${policy.storedBy}, max-age=${seconds}`;
}

/** devpi refuses a page with a lower serial than it has seen, or none; bandersnatch a document without. */
function serialHeader(serial: number | undefined): FlatHeaders {
  return serial === undefined ? [] : ['X-PyPI-Last-Serial', String(serial)];
}

/** Of a document nothing vouches for, whose 200 has a type and a length besides; never immutable. */
export function unverifiedHeaders(
  policy: ResponsePolicy,
  sha256: string,
  maxAge: number,
  serial?: number | undefined,
): FlatHeaders {
  return [
    'ETag',
    strongTag(sha256),
    'Cache-Control',
    kept(policy, Math.min(maxAge, RELAYED_MAX_AGE)),
    ...serialHeader(serial),
    ...common(policy, 'none'),
  ];
}

export function optionsHeaders(policy: ResponsePolicy): FlatHeaders {
  return [
    'Allow',
    'GET, HEAD, OPTIONS',
    ...(policy.cors
      ? [
          'Access-Control-Allow-Methods',
          'GET, HEAD, OPTIONS',
          'Access-Control-Allow-Headers',
          'Accept, Cache-Control, If-None-Match, If-Range, Range',
          'Access-Control-Max-Age',
          '86400',
        ]
      : []),
    ...common(policy),
  ];
}

/** Beside the type: nobody on the way keeps it, and where its links lead nobody is told where they stood. */
export function shownHeaders(length: number): FlatHeaders {
  const always = ['Cache-Control', 'no-store', 'Vary', 'Accept', 'Referrer-Policy', 'no-referrer'];
  return ['Content-Length', String(length), ...always, ...common(undefined)];
}

/** Nothing vouches for advisories but the feed they came in. */
export function advisoryHeaders(length: number): FlatHeaders {
  return [...textHeaders(JSON_TYPE, length), 'Verbatim-Evidence', 'none'];
}

export function textHeaders(contentType: string, length: number): FlatHeaders {
  return [
    'Content-Type',
    contentType,
    'Content-Length',
    String(length),
    'Cache-Control',
    'no-store',
    ...common(undefined),
  ];
}
