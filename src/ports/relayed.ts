import type { Digests } from '../bytes/digest.ts';
import type { Blob } from './blob.ts';
import type { BlobStorage } from './blob-storage.ts';

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
