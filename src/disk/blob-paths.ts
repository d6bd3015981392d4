import { join } from 'node:path';
import type { Algorithm } from '../bytes/digest.ts';

// Hex only, so that no filesystem can fold two names into one (case, Unicode normal forms).

export interface BlobPaths {
  readonly blobs: string;
  readonly aliases: string;
  readonly quarantine: string;
  readonly useRecord: string;
  blob(sha256: string): string;
  alias(algorithm: Algorithm, hex: string): string;
}

/** Where blobs lie in a data directory: by sha256, and small files that lead other digests there. */
export function blobPaths(root: string): BlobPaths {
  const blobs = join(root, 'blobs', 'sha256');
  const aliases = join(root, 'blobs', 'by');
  return {
    blobs,
    aliases,
    quarantine: join(root, 'quarantine'),
    useRecord: join(root, 'blobs', 'used'),
    blob: (sha256) => join(blobs, sha256.slice(0, 2), sha256.slice(2)),
    alias: (algorithm, hex) => join(aliases, algorithm, hex.slice(0, 2), hex.slice(2)),
  };
}
