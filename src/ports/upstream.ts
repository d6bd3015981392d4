/**
 * One attempt at an upstream body: `start` is the offset the bytes begin at (0 where upstream ignored the range).
 * A chunk may be used until the next one is asked for; then its memory is taken back.
 */
export interface Download {
  readonly start: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * Opens one attempt, on a new connection after the first. Throws Refusal: `unreachable`, `slow`, `redirect`, `encoding`,
 * `truncated`, or `unlisted` where upstream says 404/410. `limit` is the most bytes the body may have.
 */
export type OpenDownload = (request: {
  readonly offset: number;
  readonly limit: number;
  readonly attempt: number;
  readonly signal: AbortSignal;
}) => Promise<Download>;

/** Upstream bytes under a limit; undefined where upstream says they do not exist (404, 410, for metadata also 403). Throws Refusal. */
export type FetchBytes = (url: string, limit: number) => Promise<Uint8Array | undefined>;

export interface Upstream {
  /** A small document, whole in memory. No retries on 404. */
  readonly bytes: FetchBytes;
  /** A body for the store to prove. */
  readonly download: (url: string) => OpenDownload;
  /** A page of an index that signs nothing, with what HTTP says of it. */
  readonly page: FetchPage;
  /** True where a page may send us there: its own origin, the configured bases, or an allowed file host. */
  readonly mayFetch: (url: string) => boolean;
}

/** An index page as it came: whole and within its limit, or what upstream said instead of it. */
export type PageAnswer =
  | {
      readonly kind: 'page';
      readonly url: string;
      readonly bytes: Uint8Array;
      readonly contentType: string;
      readonly etag: string | undefined;
      /** PyPI's `X-PyPI-Last-Serial`. */
      readonly serial: number | undefined;
      /** Seconds upstream lets it be kept. */
      readonly maxAge: number | undefined;
    }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'absent' };

/**
 * `etag` makes the request conditional; `fresh` takes a new connection, and is never conditional. `accept` is the Accept
 * header. Throws Refusal as `FetchBytes` does.
 */
export type FetchPage = (
  url: string,
  request: {
    readonly accept: string;
    readonly etag?: string | undefined;
    readonly fresh: boolean;
    readonly limit: number;
  },
) => Promise<PageAnswer>;
