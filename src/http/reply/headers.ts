import { strongTag } from '../../bytes/etag.ts';
import type { EvidenceKind } from '../../mirror/package-index.ts';
import type { Range } from '../../ports/blob.ts';
import { VARY, type Variant } from '../../render/page.ts';
import { RELAYED_MAX_AGE } from '../limits.ts';
import type { Answer } from './answers.ts';

/** How one index is presented. */
export interface Manner {
  readonly name: string;
  readonly evidence: EvidenceKind;
  /** True where any web page may read it; never for an index that needs credentials. */
  readonly cors: boolean;
  /** Who may store its answers: anybody on the way, or only the client, where reading needs credentials. */
  readonly storedBy: 'public' | 'private';
  /** Seconds a client may keep a page. */
  readonly pageMaxAge: number;
}

/** Names and values in turn, as node writes them fastest. Prepared once where it can be; never changed. */
export type FlatHeaders = readonly string[];

/** A year: what the norm calls for ever. */
const IMMUTABLE = 'max-age=31536000, immutable';

function common(
  manner: Manner | undefined,
  evidence: EvidenceKind | 'none' | undefined = manner?.evidence,
): FlatHeaders {
  const headers = ['X-Content-Type-Options', 'nosniff'];
  if (manner === undefined || evidence === undefined) return headers;
  headers.push('Verbatim-Evidence', evidence);
  if (manner.cors)
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

/** Headers of pages, prepared once a body and kept as long as it. */
export function createPageHeaders(manner: Manner): (variant: Variant) => PageHeaders {
  const shared = [...common(manner), 'Vary', VARY, 'Cache-Control', `${manner.storedBy}, max-age=${manner.pageMaxAge}`];
  const prepared = new WeakMap<Variant, PageHeaders>();
  return (variant) => {
    const held = prepared.get(variant);
    if (held !== undefined) return held;
    const unchanged = ['ETag', variant.body.etag, ...serialHeader(variant.serial), ...shared];
    const full = [
      'Content-Type',
      variant.contentType,
      'Content-Length',
      String(variant.body.bytes.byteLength),
      ...(variant.coding === 'identity' ? [] : ['Content-Encoding', variant.coding]),
      ...unchanged,
    ];
    const headers = { full, unchanged };
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
export function fileHeaders(manner: Manner, facts: FileFacts, part?: Range | undefined): FlatHeaders {
  const length = part === undefined ? facts.size : part.end - part.start;
  return [
    'Content-Type',
    'application/octet-stream',
    'Content-Length',
    String(length),
    'Accept-Ranges',
    'bytes',
    ...(part === undefined ? [] : ['Content-Range', `bytes ${part.start}-${part.end - 1}/${facts.size}`]),
    ...validators(manner, facts.sha256, facts.immutable),
  ];
}

/** Of a 304, and part of every other answer about the same bytes. */
export function validators(manner: Manner, sha256: string | undefined, immutable: boolean): FlatHeaders {
  return [
    ...(sha256 === undefined ? [] : ['ETag', strongTag(sha256)]),
    'Cache-Control',
    immutable ? `${manner.storedBy}, ${IMMUTABLE}` : manner.storedBy === 'public' ? 'no-cache' : 'private, no-cache',
    ...common(manner),
  ];
}

/** RFC 9457; uv takes the type by equality and prints title and detail. */
export function problemHeaders(manner: Manner | undefined, answer: Answer, length: number): FlatHeaders {
  return [
    'Content-Type',
    'application/problem+json',
    'Content-Length',
    String(length),
    'Cache-Control',
    answer.maxAge === undefined ? 'no-store' : kept(manner, answer.maxAge),
    ...(answer.retryAfter === undefined ? [] : ['Retry-After', String(answer.retryAfter)]),
    ...(answer.allow === undefined ? [] : ['Allow', answer.allow]),
    ...common(manner),
  ];
}

/** Only names of one form and missing slashes are redirected, so that it may be kept. */
export function redirectHeaders(manner: Manner | undefined, location: string): FlatHeaders {
  return ['Location', location, 'Content-Length', '0', 'Cache-Control', kept(manner, 600), ...common(manner)];
}

/** Where no index is known the norm decides: an answer to credentials is stored by nobody else (RFC 9111 §3.5). */
function kept(manner: Manner | undefined, seconds: number): string {
  return manner === undefined ? `max-age=${seconds}` : `${manner.storedBy}, max-age=${seconds}`;
}

/** devpi refuses a page with a lower serial than it has seen, or none; bandersnatch a document without. */
function serialHeader(serial: number | undefined): FlatHeaders {
  return serial === undefined ? [] : ['X-PyPI-Last-Serial', String(serial)];
}

/** Of a document nothing vouches for, whose 200 has a type and a length besides; never immutable. */
export function unverifiedHeaders(
  manner: Manner,
  sha256: string,
  maxAge: number,
  serial?: number | undefined,
): FlatHeaders {
  return [
    'ETag',
    strongTag(sha256),
    'Cache-Control',
    kept(manner, Math.min(maxAge, RELAYED_MAX_AGE)),
    ...serialHeader(serial),
    ...common(manner, 'none'),
  ];
}

export function optionsHeaders(manner: Manner): FlatHeaders {
  return [
    'Allow',
    'GET, HEAD, OPTIONS',
    ...(manner.cors
      ? [
          'Access-Control-Allow-Methods',
          'GET, HEAD, OPTIONS',
          'Access-Control-Allow-Headers',
          'Accept, Cache-Control, If-None-Match, If-Range, Range',
          'Access-Control-Max-Age',
          '86400',
        ]
      : []),
    ...common(manner),
  ];
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
