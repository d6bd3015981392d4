import type { Caller } from '../async/caller.ts';
import type { Lease } from './lease.ts';
import type { ItemPath } from './state-storage.ts';

/** What became of a blob that processes share: it was stored, or used, or is gone. */
export type BlobChange =
  | {
      readonly kind: 'added' | 'used';
      readonly sha256: string;
      readonly size: number;
      /** For which index it is counted. */
      readonly index: string | undefined;
    }
  | { readonly kind: 'removed'; readonly sha256: string }
  /** An index gave it out, or fetched it: replicas may have it from whichever process they ask. */
  | { readonly kind: 'vouched'; readonly sha256: string }
  /** It is spared from eviction, for what reason; undefined where it is not any more. */
  | { readonly kind: 'kept'; readonly sha256: string; readonly by: string | undefined };

/** What one process tells the others. */
export type News =
  /** It wrote these items of state: what memory holds of them is not to be believed any more. */
  | { readonly kind: 'wrote'; readonly index: string; readonly items: readonly ItemPath[] }
  /** It asked upstream for the signed metadata just now; what is stored is what upstream has. */
  | { readonly kind: 'refreshed'; readonly index: string }
  | { readonly kind: 'blobs'; readonly changes: readonly BlobChange[] };

/** The other processes of one server, on one data directory. */
export interface Peers {
  /** Who does what each of them could do. */
  readonly lease: Lease;
  /** From 1 on; whoever takes the place of one that ended has its number. */
  readonly number: number;
  /** One of them tidies, records the order of use, and tells what all of them see. */
  readonly leads: boolean;
  /** Resolves when the others have done what it asks of them, or are not waited for any longer. Never rejects. */
  tell(news: News): Promise<void>;
}

/** Where a replica has a file by its sha256, in 64 hex digits behind this. */
export const PEER_BLOBS = '/-/peer/blobs/sha256/';
/** The header that shows that a replica asks. */
export const PEER_WORD = 'verbatim-peer';

/** What became of what a peer offered: not its fault, where it was `left`. */
export type OfferEnd = 'proved' | 'wrong' | 'failed' | 'left';

/** A body that a peer sends. Nothing is believed of it. */
export interface PeerOffer {
  /** As they come: complete and within the limit, or a Refusal. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** To be called once. */
  ended(end: OfferEnd): void;
}

/** Files that other replicas hold. */
export interface PeerFiles {
  /** How many there are to ask. */
  readonly count: number;
  /**
   * What one of them sends as that file; undefined where none does, after a bounded time. `limit`: the most bytes it may have.
   * Rejects only with the reason of the caller's signal, which also ends what was offered.
   */
  find(file: { readonly sha256: string; readonly limit: number }, caller: Caller): Promise<PeerOffer | undefined>;
}
