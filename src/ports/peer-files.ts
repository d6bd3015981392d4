import type { Caller } from '../async/caller.ts';

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
