import type { Instant } from '../../bytes/instant.ts';

export type FindAgain = (role: 'snapshot' | 'targets', version: number) => Promise<Uint8Array | undefined>;

/** One TUF index's durable trust. Everything it returns is suspect bytes. */
export interface TrustStore {
  /**
   * What is on disk, or undefined for an empty directory. A document of it that is damaged is asked for by `again`, and believed
   * where it is the very one that was published.
   */
  load(again?: FindAgain): Promise<StoredTrust | undefined>;
  /** What `load` says of the clock, and nothing else of it. */
  clockFloor(): Promise<StoredClockFloor | undefined>;
  /** An operator's act: the clock says `now`, and a floor above that was never right. Resolves to the floor, once it is durable. */
  acceptClock(now: Instant): Promise<StoredClockFloor | undefined>;
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
  /** A delegated role as it was kept: by name and version. Undefined also where it cannot be read: it can be fetched again. */
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
  /** The clock floor as the refresh that accepted it left it. */
  readonly acceptedAt: Instant;
  readonly publishedAt: Instant;
}

export interface StoredClockFloor {
  readonly at: Instant;
  /** How often an operator has set it: only by that does it fall. */
  readonly words: number;
}

export interface StoredTrust {
  readonly current: string;
  readonly roots: ReadonlyMap<number, Uint8Array>;
  readonly rootVersion: number;
  readonly timestamp: Uint8Array;
  readonly snapshot: Uint8Array;
  readonly targets: Uint8Array;
  readonly acceptedAt: Instant;
  readonly clockWords: number;
}
