import type { Caller } from '../../async/caller.ts';
import type { Instant } from '../../bytes/instant.ts';
import type { CarriedIndex } from '../../mirror/package-index.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Carried, ScanRecord } from '../../ports/carried.ts';
import type { Item } from '../../ports/index-state.ts';
import type { Upstream } from '../../ports/upstream.ts';
import type { FeedPlace, FeedTold } from './carried-feed.ts';
import type { Site } from './judge.ts';
import type { HeldBack } from './look.ts';
import type { GivenFile } from './opened.ts';
import type { OnProgress } from './stage.ts';
import type { ContentStore } from './store.ts';

/** Looks into a proved file before it is served. Throws Refusal `policy` for what it finds, and `state` where it cannot look. */
export interface Scanner {
  /** What the scanner says of itself, asked once an import. */
  version(): Promise<string>;
  scan(name: string, blob: Blob): Promise<void>;
}

/** Where bundles are imported into. */
export interface ImportPlace {
  readonly site: Omit<Site, 'carried' | 'now'>;
  /** Generations whose tables are remembered: a bundle may build on any of them. */
  readonly generations: number;
  readonly index: CarriedIndex;
  readonly carried: Item<Carried>;
  readonly store: ContentStore;
  /** Refuses everything: nobody is asked. */
  readonly upstream: Upstream;
  readonly caller: Caller;
  readonly now: () => Instant;
  /** Throws `clock` for a reference time that lies before the last one or has not come. */
  refuseReference(at: Instant): void;
  /** Bytes that may be stored; undefined where nobody knows. */
  room(): Promise<number | undefined>;
  readonly scanner: Scanner | undefined;
  readonly feed: FeedPlace;
  readonly onProgress?: OnProgress | undefined;
}

export interface ImportRequest {
  readonly files: readonly GivenFile[];
  /** Nothing is stored or believed. */
  readonly dryRun: boolean;
  /** A reference time that the operator gives. */
  readonly asOf: Instant | undefined;
}

/** What an import came to. */
export interface Imported {
  readonly number: number;
  readonly manifest: string;
  /** Who signed it, as this site calls the key. */
  readonly key: string | undefined;
  readonly unbelieved: string | undefined;
  readonly stateAt: Instant;
  readonly reference: Instant | undefined;
  /** It was imported before: only what was missing of it was taken. */
  readonly isHere: boolean;
  readonly skipped: readonly number[];
  readonly contents: number;
  readonly bytes: number;
  readonly there: number;
  readonly pages: number;
  readonly files: number;
  readonly targets: number;
  /** Projects and files that go. */
  readonly removed: number;
  readonly heldBack: readonly HeldBack[];
  readonly scan: ScanRecord | undefined;
  /** What became of the advisories that it carries; undefined where it carries none. */
  readonly advisories: FeedTold | undefined;
}
