import type { Digests } from '../bytes/digest.ts';
import type { Instant } from '../bytes/instant.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { AcceptedLoss } from '../pypi/losses.ts';
import type { Carried } from './carried.ts';
import type { ContentsOfProject } from './contents/kept.ts';
import type { StoredList } from './list-store.ts';
import type { QuarantineEntry, RequestAnswer } from './policy.ts';
import type { KeptProvenance } from './provenance/kept.ts';
import type { NewVersion } from './state-storage.ts';
import type { TrustStore } from './trust/trust-store.ts';

/** One version of an item of state, decoded. */
export interface Known<T> {
  readonly value: T;
  /** Which version it is; 0 for none. */
  readonly version: number;
  /** Digest of what is stored: two of one id say the same. */
  readonly id: string;
}

/** One thing an index remembers, decoded. Every call throws Refusal `state` where what is stored cannot be believed. */
export interface Item<T> {
  read(): Promise<Known<T> | undefined>;
  /** The number of its newest version, 0 for none: whether what memory holds is still current. */
  version(): Promise<number>;
  /**
   * Compare and swap: `next` is given what is stored now, and again whatever another writer was quicker to store. Resolves, when
   * it is durable, to what it stored; to undefined where `next` returned undefined, because there was nothing to do. A page
   * that is given is stored with it, or neither is: it throws Superseded where the page no longer follows what is stored.
   */
  change(
    next: (was: Known<T> | undefined) => T | undefined,
    page?: UnsavedPage | undefined,
  ): Promise<Known<T> | undefined>;
}

/** An item whose changes can be prepared, and made later or together with others. */
export interface PreparableItem<T> extends Item<T> {
  /** A change that is not made yet, if it is one; what it comes to, and how it is written. */
  prepare(
    next: (was: Known<T> | undefined) => T | undefined,
  ): Promise<{ readonly known: Known<T>; readonly write: NewVersion } | undefined>;
  /** Makes it; false where another writer was quicker. */
  make(prepared: NewVersion): Promise<boolean>;
}

/** Everything one index remembers. */
export interface IndexState {
  readonly index: string;
  readonly trust: TrustStore;
  readonly facts: Item<IndexFacts>;
  readonly carried: Item<Carried>;
  pins(project: string): Item<ReadonlyMap<string, Pin>>;
  page(project: string): PreparableItem<PageState>;
  readonly list: Item<StoredList>;
  quarantine(project: string): Item<readonly QuarantineEntry[]>;
  /** What operators answered to what was refused, in that order. */
  answers(project: string): Item<readonly RequestAnswer[]>;
  provenance(project: string): Item<KeptProvenance>;
  /** What was found in its files; what cannot be read of it is found out again. */
  contents(project: string): Item<ContentsOfProject>;
  /** When upstream was first seen to hold it in quarantine, which outlives its page; no item where it never was. */
  seenQuarantine(project: string): Item<Instant>;
  /** Every project that has any or had, a page that is gone included. */
  projects(
    kind: 'pins' | 'pages' | 'quarantine' | 'answers' | 'seen-quarantines' | 'provenance' | 'contents',
  ): AsyncIterable<string>;
  /** An operator's act: the trust begins again from the pinned root, and what it had come to is kept as evidence. */
  setTrustAside(at: Instant): Promise<void>;
}

/** Who changed what an index believes, and why. */
export interface AuditEntry {
  readonly at: Instant;
  readonly action: string;
  readonly reason: string;
}

/** What an index was first run with: a later start with anything else needs an audited command. */
export interface IndexFacts {
  readonly evidence: 'tuf' | 'index';
  readonly pinnedRootSha256?: string | undefined;
  /** Of an index that signs nothing: whose word everything kept rests on, and since when where it was another's before. */
  readonly upstream?: string | undefined;
  readonly upstreamSince?: Instant | undefined;
  readonly createdAt: Instant;
  /** True from an operator's word that the trust begins again until it was put aside. */
  readonly beginsAgain?: boolean | undefined;
  /** Only grows. */
  readonly audit: readonly AuditEntry[];
}

/** An unsigned page as it was believed. Suspect when it comes back, unless a seal vouches for it. */
export interface PageContent {
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
  /** What upstream sent was let go, and was this: `bytes` are all that the next page is held to, for comparing, and never served. */
  readonly letGo?: { readonly sha256: string; readonly size: number } | undefined;
}

/**
 * What is left of a project that has disappeared: an older page does not come back in its place, and no other index has its name where several are
 * behind one address. `released`: an operator has said that its name is free.
 */
export type PageFloor = { readonly serial: number | undefined; readonly released?: true | undefined };

export type PageState =
  | { readonly page: PageContent; readonly gone?: undefined }
  | { readonly gone: PageFloor; readonly page?: undefined };

/** `version`: of the item that it is, or that it is to follow; 0 where there was none. */
type Versioned = { readonly version: number };

/** A page for the next start. */
export type PageRecord = PageContent & Versioned;

/** What was to be stored follows something that is no longer stored: an operator's command or another process was quicker. */
export class Superseded extends Refusal {
  constructor(project: string) {
    super('state', `What is stored of ${project} is being changed again and again. Try again in a moment.`, {
      subject: 'state',
      transient: true,
    });
  }
}

/** A page that is believed and not stored yet. It must be, alone or with the pins made from it, before anything is served by it. */
export interface UnsavedPage {
  /** What is to be written; undefined once it is stored. */
  readonly write: NewVersion | undefined;
  /** Somebody has stored it. */
  saved(): void;
  /** Durable when it resolves. Throws Superseded. */
  save(): Promise<void>;
  /** What to throw where another page was stored in its place. */
  readonly superseded: Superseded;
}

/** Pages of an index that signs nothing. Whoever writes says what it follows, so that nobody's change is lost unseen. */
export interface PageStore {
  load(project: string): Promise<PageRecord | undefined>;
  /** What is left of one that was let go: the next page of the project is held to it. */
  left(project: string): Promise<PageRecord | undefined>;
  /** False where somebody else (an operator's command, another process) has changed what is stored since this version of it. */
  isCurrent(record: PageRecord): Promise<boolean>;
  /** Durable when it resolves, to the record as it is stored; to undefined where what is stored is no longer what it follows. */
  save(record: PageRecord): Promise<PageRecord | undefined>;
  /**
   * The record as it will be stored, and what is left to do for that; undefined where what is stored is no longer what it follows.
   * `saved` is called once it is durable.
   */
  prepare(
    record: PageRecord,
    saved: () => void,
  ): Promise<{ readonly record: PageRecord; readonly unsaved: UnsavedPage } | undefined>;
  /** Leaves nothing but its floor; false where what is stored is not this record any more. */
  remove(record: PageRecord): Promise<boolean>;
  /** The floor of a project that was removed and is not back. */
  gone(project: string): Promise<(PageFloor & Versioned) | undefined>;
}

/** The digests a file name was first seen with. Keyed by index, project and exact file name. */
export interface Pins {
  /** Every pin of a project, by file name. */
  of(project: string): Promise<ReadonlyMap<string, Pin>>;
  /** The same, and what tells them from all others: two of one id are the same pins. */
  read(project: string): Promise<{ readonly pins: ReadonlyMap<string, Pin>; readonly id: string }>;
  /**
   * Durable before it resolves, to every pin of the project; an existing pin is never overwritten (its algorithms may be added to, never changed). The page
   * they are made from, where it is not stored yet, is stored with them in one transaction. Throws Superseded.
   */
  add(
    project: string,
    pins: ReadonlyMap<string, Pin>,
    page?: UnsavedPage | undefined,
  ): Promise<ReadonlyMap<string, Pin>>;
  /** Writes what became known of files into their pins, to every pin of the project; files without a pin stay without one. */
  mark(project: string, marks: readonly PinMark[]): Promise<ReadonlyMap<string, Pin>>;
  /** Marks pins as confirmed, provisional no longer; nothing else of them changes. */
  confirm(project: string, files: Iterable<string>): Promise<void>;
  /**
   * Writes into the pins of a project which of its files a signed page offers no longer, or offers again: to those that it is news of.
   * Files without a pin stay without one.
   */
  offered(project: string, isOffered: (file: string) => boolean, at: Instant): Promise<OfferNews>;
  /** Adds core metadata that was compared with the file to a pin that has none. */
  addCoreMetadata(project: string, file: string, coreMetadata: Digests): Promise<void>;
  /** Puts another pin in the place of one that was never confirmed, or that an operator's audited word replaces. */
  replace(project: string, file: string, pin: Pin): Promise<void>;
  /** The same for many files at once. */
  replaceAll(project: string, pins: ReadonlyMap<string, Pin>): Promise<void>;
}

/** Files that a page offers no longer, and those that it offers again. */
export interface OfferNews {
  readonly removed: readonly string[];
  readonly returned: readonly string[];
}

/** What became known of a file. */
export interface PinMark {
  readonly file: string;
  /** By which its bytes were proved: its pin is proved where it is still the pin of these. */
  readonly digests: Digests | undefined;
  /** Whether the pin, as it is then, is confirmed by it. */
  confirms(pin: Pin): boolean;
}

export interface Pin {
  readonly digests: Digests;
  /** When this mirror first saw the file. */
  readonly seen: Instant;
  /** The core metadata digest announced with it. */
  readonly coreMetadata?: Digests | undefined;
  /** True until the file was sent to a client, or its bytes were proved and a second fetch of the page agreed. Absent under `tuf`. */
  readonly provisional?: boolean | undefined;
  readonly proved?: boolean | undefined;
  /** The fetch it was first seen in. */
  readonly fetch?: string | undefined;
  /** Nobody stated a digest: it is what the file was when it was first seen. */
  readonly firstSight?: boolean | undefined;
  /** Upstream's own words for when it was uploaded. */
  readonly uploadTime?: string | undefined;
  /** When its page was last seen here without it; undefined where that never was. */
  readonly absent?: Instant | undefined;
  /** True where other files of its release were confirmed before it was first seen. */
  readonly joined?: boolean | undefined;
  /** When a signed page was first seen to offer it no longer; undefined while it is offered, and where nothing is signed. */
  readonly removed?: Instant | undefined;
}
