import type { Blob } from '../bytes/blob.ts';
import type { Expected } from '../bytes/digest.ts';
import type { Reason, Subject } from '../bytes/refusal.ts';

// What the mirror needs of the world. Adapters (store, upstream, telemetry) implement these; the mirror never names one.

/** Whole seconds since the epoch. */
export type Instant = number;

export interface Clock {
  now(): Instant;
}

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

/** A file that is wanted: what its bytes must be, and the identity one download is shared by. */
export interface Wanted {
  /** Index name and URL; waiters on the same `origin` and expectation share one download (DESIGN J2). */
  readonly origin: string;
  readonly expected: Expected;
  /** Most bytes to accept, for expectations without a length. */
  readonly limit: number;
  /** For log lines and refusals. */
  readonly name: string;
  readonly subject: Subject;
}

export interface Blobs {
  /** The held blob that proves `expected`; its first touch after start hashes it whole. Undefined where none is held or it no longer proves. */
  open(expected: Expected): Promise<Blob | undefined>;
  /** The held blob, or the one download that fills it; resolves when the whole is proved and durable. Throws Refusal. `signal` ends the caller's wait, not the download. */
  fetch(want: Wanted, download: OpenDownload, signal?: AbortSignal): Promise<Blob>;
  /** Held at this moment as far as the store's own record knows; a hint, never a proof. */
  holds(expected: Expected): boolean;
}

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

/** An unsigned page as it was believed, for the next start. Suspect when it comes back, unless a seal vouches for it. */
export interface PageRecord {
  readonly project: string;
  readonly bytes: Uint8Array;
  /** Where redirects led to, if they led elsewhere: what its links are relative to. */
  readonly url?: string | undefined;
  readonly contentType: string;
  readonly etag: string | undefined;
  /** The highest serial seen twice: the floor. */
  readonly serial: number | undefined;
  /** The serial it came with, seen once or more. */
  readonly seenSerial: number | undefined;
  /** The last fetch of the whole body. */
  readonly fetchedAt: Instant;
  /** The last time upstream stood by it. */
  readonly confirmedAt: Instant;
  /** Seconds upstream lets it be kept. */
  readonly maxAge?: number | undefined;
  /** True once two whole fetches agreed. */
  readonly twice: boolean;
  /** Names the fetch it came by, so that everything one bad fetch brought in can be taken back. */
  readonly fetch: string;
  /** What an operator's audited word lets the next page take away without a second look. */
  readonly accepted?: readonly AcceptedLoss[] | undefined;
}

/** One loss by its name: its kind, the file, and the value it comes to where there are several. */
export interface AcceptedLoss {
  readonly kind: string;
  readonly file?: string | undefined;
  readonly after?: string | undefined;
}

export interface PageStore {
  load(project: string): Promise<PageRecord | undefined>;
  /** False where somebody else (an operator's command, another process) changed what is stored since it was loaded or saved here. */
  unchanged(project: string): Promise<boolean>;
  /** Durable before it resolves. */
  save(record: PageRecord): Promise<void>;
  /** What is left is its floor: an older page does not come back in its place. */
  remove(project: string): Promise<void>;
  /** What is left of a project that was removed and is not back: its floor. */
  gone(project: string): Promise<Pick<PageRecord, 'serial'> | undefined>;
}

/** The digests a file name was first seen with (DESIGN §2 "pins"). Keyed by index, project and exact file name. */
export interface Pins {
  /** Every pin of a project, by file name. */
  of(project: string): Promise<ReadonlyMap<string, Pin>>;
  /** Durable before it resolves; an existing pin is never overwritten (its algorithms may be added to, never changed). */
  add(project: string, pins: ReadonlyMap<string, Pin>): Promise<void>;
  /** Marks a pin as one whose file's bytes were proved, where it still is the pin of the digests they were proved by. */
  prove(project: string, file: string, digests: Expected['digests']): Promise<void>;
  /** Marks pins as confirmed, provisional no longer; nothing else of them changes. */
  confirm(project: string, files: Iterable<string>): Promise<void>;
  /** Puts another pin in the place of one that was never confirmed, or that an operator's audited word replaces. */
  replace(project: string, file: string, pin: Pin): Promise<void>;
  /** The same for many files at once. */
  replaceAll(project: string, pins: ReadonlyMap<string, Pin>): Promise<void>;
}

export interface Pin {
  readonly digests: Expected['digests'];
  /** When this mirror first saw the file. */
  readonly seen: Instant;
  /** The core metadata digest announced with it. */
  readonly coreMetadata?: Expected['digests'] | undefined;
  /** True until the file's bytes were proved and a second fetch of the page agreed. Absent under `tuf`. */
  readonly provisional?: boolean | undefined;
  readonly proved?: boolean | undefined;
  /** The fetch it was first seen in. */
  readonly fetch?: string | undefined;
  /** Upstream's own words for when it was uploaded. */
  readonly uploadTime?: string | undefined;
}

/** What happened, for logs and metrics. Must not throw. */
export interface Events {
  rejected(event: {
    readonly index: string;
    readonly reason: Reason;
    readonly subject: Subject;
    readonly name: string;
    readonly message: string;
    readonly at: 'upstream' | 'disk' | 'client';
  }): void;
  served(event: {
    readonly index: string;
    readonly kind: 'page' | 'list' | 'file' | 'core-metadata' | 'metadata' | 'target';
    readonly how: 'memory' | 'disk' | 'upstream';
  }): void;
  refreshed(event: {
    readonly index: string;
    readonly result: 'changed' | 'unchanged' | 'failed';
    readonly seconds: number;
    readonly versions?: ReadonlyMap<string, number> | undefined;
    readonly expires?: ReadonlyMap<string, Instant> | undefined;
  }): void;
  note(event: {
    readonly index: string;
    readonly message: string;
    readonly detail?: Readonly<Record<string, string | number>> | undefined;
  }): void;
}

/** One TUF index's durable trust (DESIGN §5 "Trust state"). Everything it returns is suspect bytes. */
export interface TrustStore {
  /** What is on disk, or undefined for an empty directory. */
  load(): Promise<StoredTrust | undefined>;
  /** Roots are kept forever, each durable before it resolves. */
  keepRoot(version: number, bytes: Uint8Array): Promise<void>;
  root(version: number): Promise<Uint8Array | undefined>;
  /** A timestamp is a floor once it is believed, whatever becomes of its refresh (TUF §5.4.5). Durable; never lowered. */
  keepTimestamp(kept: KeptTimestamp): Promise<void>;
  timestamp(): Promise<KeptTimestamp | undefined>;
  /**
   * Children first, the timestamp (the pointer that makes them current) last, in one compare-and-swap:
   * `superseded` where another process published meanwhile and `replaces` is no longer current.
   */
  publish(next: PublishedTrust, replaces: string | undefined): Promise<Publication>;
  /** A delegated role as it was kept: by name and version. */
  delegated(role: string, version: number): Promise<Uint8Array | undefined>;
  keepDelegated(role: string, version: number, bytes: Uint8Array): Promise<void>;
  /** Snapshots and targets published within the last hour, for clients in mid-walk. */
  recent(role: 'snapshot' | 'targets', version: number): Promise<Uint8Array | undefined>;
}

export interface KeptTimestamp {
  /** The root it was believed under: which keys it is a floor for. */
  readonly rootVersion: number;
  readonly version: number;
  readonly bytes: Uint8Array;
}

/** `current` is the identity of what was published, for the next `publish`. */
export type Publication =
  | { readonly result: 'published'; readonly current: string }
  | { readonly result: 'superseded' };

export interface PublishedTrust {
  readonly rootVersion: number;
  readonly timestamp: Uint8Array;
  readonly snapshot: Uint8Array;
  readonly targets: Uint8Array;
  readonly snapshotVersion: number;
  readonly targetsVersion: number;
  /** Start of the refresh that accepted it: the clock floor. */
  readonly acceptedAt: Instant;
}

export interface StoredTrust {
  /** Identity of what is current, for the next `publish`. */
  readonly current: string;
  readonly roots: ReadonlyMap<number, Uint8Array>;
  readonly rootVersion: number;
  readonly timestamp: Uint8Array;
  readonly snapshot: Uint8Array;
  readonly targets: Uint8Array;
  readonly acceptedAt: Instant;
}

/** How an index names its targets and where upstream keeps them (DESIGN §5 "Layout presets"). Pure. */
export interface IndexLayout {
  readonly name: string;
  /** The target that is a project's page; undefined where the layout has no pages. */
  pageTarget(project: string): string | undefined;
  /** The target that is a file of a page, where its path can be told from the link. */
  fileTarget(file: {
    readonly project: string;
    readonly filename: string;
    readonly content?: { readonly aa: string; readonly bb: string; readonly rest: string } | undefined;
  }): string | undefined;
  readonly listTarget: string | undefined;
  /** Where a target may be fetched, best first. A wrong candidate cannot hurt: bytes are proved. */
  urls(target: string, digests: Expected['digests'], consistentSnapshot: boolean): readonly string[];
  /** What links of a project's page are relative to. */
  pageUrl(project: string): string;
}

/** A bounded store of values in memory, least recently used out first. */
export interface Cache<V> {
  get(key: string): V | undefined;
  set(key: string, value: V, bytes: number): void;
  delete(key: string): void;
}

export type CreateCache = <V>(maxBytes: number) => Cache<V>;
