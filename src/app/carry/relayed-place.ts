import type { BlobStore } from '../../blobs/blob-store.ts';
import type { BlobStorage } from '../../ports/blob-storage.ts';
import type { RelayedPlace } from '../../ports/blobs.ts';

/** What is relayed of an index's files lies among the cached files, and is counted for it. */
export function relayedPlace(
  { storage, blobs }: { readonly storage: BlobStorage; readonly blobs: Pick<BlobStore, 'content' | 'stage'> },
  index: string,
): RelayedPlace {
  return {
    storage,
    content: (content) => blobs.content(content),
    stage: (content, bytes) => blobs.stage(content, bytes, index),
  };
}
