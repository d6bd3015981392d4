import type { Instant } from '../bytes/instant.ts';

/** What is known of the list of all projects as it was believed last. Suspect as a page is, and it can be had again. */
export interface ListHead {
  /** After redirects. */
  readonly url: string;
  readonly etag: string | undefined;
  /** The last time upstream stood by it. */
  readonly confirmedAt: Instant;
  /** Of its bytes, in UTF-8. */
  readonly sha256: string;
  readonly size: number;
}

export interface StoredList {
  readonly head: ListHead;
  /** Its bytes, compressed. */
  readonly packed: Uint8Array;
}

/** The list of all projects for the next start, and for whoever draws it again. */
export interface ListStore {
  load(): Promise<ListHead | undefined>;
  /** Whether nobody else has stored another one, or when upstream stood by it, since it was loaded or written here last. */
  isCurrent(): Promise<boolean>;
  /** Its bytes, proved; undefined where what is stored is another one by now. */
  bytes(head: ListHead): Promise<Uint8Array | undefined>;
  /** Durable when it resolves. */
  save(head: ListHead, bytes: Uint8Array): Promise<void>;
  /** Upstream stands by it at another time: written now and then. */
  confirm(head: ListHead): Promise<void>;
}
