import { join } from 'node:path';
import type { Algorithm } from '../bytes/digest.ts';

// Hex only, so that no filesystem can fold two names into one (case, Unicode normal forms).

export interface BlobPaths {
  readonly blobs: string;
  readonly aliases: string;
  readonly quarantine: string;
  /** Downloads that were given up, to go on from. */
  readonly partials: string;
  readonly useRecord: string;
  /** What lies in a bucket not yet, of the process of that number. */
  waitingRecord(number: number): string;
  blob(sha256: string): string;
  partial(key: string): string;
  alias(algorithm: Algorithm, hex: string): string;
}

const KEY = /^[0-9a-f]{64}$/;

/** What is kept of a download lies under its key. */
export function isPartialKey(name: string): boolean {
  return KEY.test(name);
}

/** The key in the name of a temporary file; undefined for one whose bytes nobody can go on with. */
export function keyOfTemp(name: string): string | undefined {
  const label = name.slice(name.lastIndexOf('.') + 1);
  return name.includes('.') && isPartialKey(label) ? label : undefined;
}

/** Where blobs lie in a data directory: by sha256, and small files that lead other digests there. */
export function blobPaths(root: string): BlobPaths {
  const blobs = join(root, 'blobs', 'sha256');
  const aliases = join(root, 'blobs', 'by');
  const partials = join(root, 'blobs', 'partial');
  return {
    blobs,
    aliases,
    quarantine: join(root, 'quarantine'),
    partials,
    useRecord: join(root, 'blobs', 'used'),
    waitingRecord: (number) => join(root, 'blobs', number === 1 ? 'waiting' : `waiting-${number}`),
    blob: (sha256) => join(blobs, sha256.slice(0, 2), sha256.slice(2)),
    partial: (key) => join(partials, key),
    alias: (algorithm, hex) => join(aliases, algorithm, hex.slice(0, 2), hex.slice(2)),
  };
}
