import type { Caller } from '../async/caller.ts';
import type { Digests, Statement } from '../bytes/digest.ts';
import type { Expected } from '../bytes/expected.ts';
import type { Sighting } from '../bytes/first-sight.ts';
import type { Proven } from '../bytes/proven.ts';
import type { Subject } from '../bytes/refusal.ts';
import type { Blob, CheckedReader } from './blob.ts';
import type { BlobStorage } from './blob-storage.ts';
import type { OpenDownload } from './upstream.ts';

/** A file that is wanted: what its bytes must be, and the identity one download is shared by. */
export interface Wanted {
  /** Index name and URL; waiters on the same `origin` and expectation share one download. */
  readonly origin: string;
  readonly expected: Expected;
  /** Most bytes to accept, for expectations without a length. */
  readonly limit: number;
  /** For which index it is counted, where there are budgets. */
  readonly index?: string | undefined;
  /** For log lines and refusals. */
  readonly name: string;
  readonly subject: Subject;
}

/** A file that nobody states a usable digest of. */
export interface Unstated extends Omit<Wanted, 'expected'> {
  /** Bytes, where the page states them. */
  readonly length?: number | undefined;
}

export interface Sighted {
  readonly sighting: Sighting;
  readonly read: CheckedReader['send'];
}

/** Files and signed documents, proved. */
export interface Blobs {
  /** Whether it is on disk as far as the store's own record knows: a hint for HEAD and counting, never a proof. */
  stored(expected: Expected): Promise<boolean>;
  /** The same of what is only stated: a hint for marking what a page lists. */
  isHeld(stated: Statement): Promise<boolean>;
  /** How often something stored went since the start: what `isHeld` said may be wrong once this has changed. */
  readonly removals: number;
  /** The stored blob that proves `expected`; its first touch after start hashes it whole. Undefined where none is stored or it no longer proves. */
  open(expected: Expected): Promise<Blob | undefined>;
  /**
   * The stored blob, or the one download that fills it, however many ask; resolves when the whole is proved. Throws
   * Refusal. The caller's signal ends its wait, and the download when all who wait for it have left.
   */
  fetch(wanted: Wanted, download: OpenDownload, caller: Caller): Promise<Blob>;
  /**
   * Downloads a file that nobody states a digest of, whole, from its first byte to the end that its framing tells, and stores
   * it. Nothing is proved by that, and nothing is served by it; the caller looks into it by `read`.
   */
  sight(unstated: Unstated, download: OpenDownload, caller: Caller): Promise<Sighted>;
  /**
   * For who must be sure (a sync, an import): a stored blob outlasts a power cut when this resolves. Those asked for meanwhile share what that
   * takes. Throws Refusal; then nothing is known of it, and it is to be fetched anew.
   */
  sync(sha256: string): Promise<void>;
  /** Spares a stored blob from eviction for a reason (`by`), or no longer (undefined); false where it is not stored. Survives restarts. */
  keep(sha256: string, by: string | undefined): Promise<boolean>;
  /** A small document whole in memory, proved again; undefined where it is not stored. Throws Refusal `limit` beyond `limit` bytes. */
  readDocument(expected: Expected, limit: number): Promise<Proven | undefined>;
  /** Stores a proved document, in one write. An answer need not wait for it. Throws Refusal. */
  writeDocument(document: Proven): Promise<void>;
}

/** Documents beside a file that upstream announces and nothing vouches for: PEP 740's provenance, and `FILE.asc`. */
export type RelayedKind = 'provenance' | 'signature';

/** What such a document is of. */
export interface RelayedName {
  readonly kind: RelayedKind;
  readonly project: string;
  readonly filename: string;
  /** Of the file: a document that was relayed for other bytes is none of these. */
  readonly digests: Digests;
}

/** A document by its bytes. */
export interface RelayedContent {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** Where they lie: among cached files. */
export interface RelayedPlace {
  readonly storage: Pick<BlobStorage, 'alias' | 'stat' | 'addAlias' | 'removeAlias'>;
  /** Undefined where no bytes of this digest are stored. */
  content(content: RelayedContent): Promise<Blob | undefined>;
  /** Throws Refusal `limit` where there is no room. */
  stage(content: RelayedContent, bytes: () => AsyncIterable<Uint8Array>): Promise<unknown>;
}

/** What was relayed, as it came. Kept as cached files are: it may go whenever room is needed. */
export interface RelayedDocuments {
  /** Undefined where none is kept, or what is kept is damaged. */
  read(name: RelayedName): Promise<Uint8Array | undefined>;
  /** Which document is kept; its bytes are proved to be that, and nothing of the file. Undefined where none is. */
  stored(name: RelayedName): Promise<RelayedContent | undefined>;
  /** In place of what was kept under this name; too large a document is not. Throws Refusal `limit` where there is no room. */
  keep(name: RelayedName, bytes: Uint8Array): Promise<void>;
  /** Upstream has none. */
  forget(name: RelayedName): Promise<void>;
}

/** What came of fetching a damaged file again; `unknown`: no pin says which file it was. */
export const FETCHED_AGAIN = ['fetched', 'failed', 'offline', 'unknown'] as const;

/** A damaged file was set aside, and then fetched again or not. */
export interface FetchedAgain {
  /** Empty where it is `unknown`. */
  readonly index: string;
  readonly project?: string | undefined;
  readonly file?: string | undefined;
  readonly sha256: string;
  readonly result: (typeof FETCHED_AGAIN)[number];
  readonly why?: string | undefined;
}

/** Everything on disk was read again, from the first file to the last: `files` and `bytes` held, `damaged` were set aside. */
export type Scrubbed = Readonly<Record<'files' | 'bytes' | 'damaged' | 'seconds', number>>;
