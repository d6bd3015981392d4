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
