import type { Caller } from '../async/caller.ts';
import type { Expected } from '../bytes/expected.ts';
import type { Instant } from '../bytes/instant.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { MetadataSource } from '../tuf/refresh.ts';

/**
 * One attempt at an upstream body: `start` is the offset the bytes begin at (0 where upstream ignored the range).
 * A chunk may be used until the next one is asked for; then its memory is taken back.
 */
export interface Download {
  readonly start: number;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Nothing tells its end but that of its connection: it may have been cut. */
  readonly unframed?: boolean | undefined;
  /** True where they were coded on their way: nobody can go on in their middle. */
  readonly unpacked?: boolean | undefined;
}

/**
 * Opens one attempt, on a new connection after the first. Throws Refusal: `unreachable`, `forbidden`, `slow`, `redirect`,
 * `encoding`, `truncated`, or `unlisted` where upstream says 404/410 for every place. `limit` is the most bytes the body may have.
 */
export type OpenDownload = (request: {
  readonly offset: number;
  readonly limit: number;
  readonly attempt: number;
  /** For whom: others may have joined the work since it was begun. */
  readonly caller: Caller;
}) => Promise<Download>;

/** Where upstream's signed metadata is read. */
export interface UpstreamMetadata extends MetadataSource {
  /** What upstream's clock said when it last sent a timestamp; undefined where it did not say. */
  timeThere?(): Instant | undefined;
}

/** Signed metadata, read for whoever waits for it: each read has that caller's priority, and ends with its signal. */
export type MetadataFor = (caller: Caller) => UpstreamMetadata;

/** The only way out to an index. Throws Refusal. */
export interface Upstream {
  /**
   * A document, whole in memory. The caller's signal ends it, with its reason, in whatever phase it is; an answer of 404
   * is not asked for again, a failure that may pass is.
   */
  document(request: DocumentRequest, caller: Caller): Promise<DocumentAnswer>;
  /**
   * A body for the store to prove. Each attempt is made for a caller of its own. Files wait for files only: a document
   * never waits for them.
   */
  download(places: Places): OpenDownload;
  /**
   * True where a page may send us there: its own origin, the configured bases, or an allowed file host. `unproved`: for what no
   * digest will prove; then a host that is allowed only as any public one is no such place.
   */
  mayFetch(url: string, unproved?: boolean): boolean;
}

export interface DocumentRequest {
  readonly url: string;
  /** The most bytes it may have. */
  readonly limit: number;
  /** The Accept header. */
  readonly accept?: string | undefined;
  /** Makes the request conditional; `unchanged` answers only such a one. */
  readonly etag?: string | undefined;
  /** Something older can be served meanwhile: where upstream asks for time, it is given as much as it asked for. */
  readonly held?: boolean | undefined;
  /** On a connection of its own, and never conditional. */
  readonly fresh: boolean;
  /** 403 then means the same as 404 and 410: object stores answer so for a key that does not exist. */
  readonly forbiddenIsAbsent?: boolean | undefined;
  /** A digest or a signature will tell a cut body from a whole one. Where nothing does, its framing must. */
  readonly proved?: boolean | undefined;
}

/** A document as it came: whole and within its limit, or what upstream said instead of it. */
export type DocumentAnswer =
  | {
      readonly kind: 'document';
      /** After redirects. */
      readonly url: string;
      readonly bytes: Uint8Array;
      /** Empty where upstream did not say. */
      readonly contentType: string;
      readonly etag: string | undefined;
      /** PyPI's `X-PyPI-Last-Serial`. */
      readonly serial: number | undefined;
      /** Nothing but its own end tells that it came whole. */
      readonly unframed?: true | undefined;
      /** Seconds upstream lets it be kept. */
      readonly maxAge: number | undefined;
      /** The time it is by upstream's clock (RFC 9110 §6.6.1), however long a cache had it (RFC 9111 §5.1). */
      readonly date?: Instant | undefined;
    }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'absent' };

/** Where a file may be, best first: the next is tried only where upstream says that the one before does not exist. */
export interface Places {
  readonly urls: readonly string[];
  /** No digest will prove it: neither it nor a redirect may lead to a host that is allowed only as any public one. */
  readonly unproved?: boolean | undefined;
  /** For an origin that finds files by digest. */
  readonly expected?: Expected | undefined;
}

/** The mirror is stopping: nobody refused anything, and nothing is told of it. */
export class Stopping extends Refusal {
  constructor() {
    super('unreachable', 'This mirror is stopping.', { transient: true });
  }
}
