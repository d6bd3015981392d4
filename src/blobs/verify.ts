import { Refusal } from '../bytes/refusal.ts';
import type { BlobPaths } from '../disk/blob-paths.ts';
import type { FileOps } from '../disk/file-ops.ts';
import { isDamage, isMissing } from '../disk/storage-errors.ts';
import type { FirstTouch } from './proofs.ts';
import { walkBlobs } from './scan.ts';

/** How far a verification has come; the last one is its result. */
export interface Verification {
  readonly blobs: number;
  readonly bytes: number;
  /** What was not what its name says, by sha256. */
  readonly setAside: readonly string[];
}

/** Hashes every blob again from disk, whatever memory believes of it. */
export async function verifyBlobs(
  deps: {
    readonly ops: FileOps;
    readonly paths: BlobPaths;
    readonly touch: FirstTouch;
    readonly setAside: (sha256: string, message: string) => Promise<void>;
  },
  progress?: (done: Verification) => void,
): Promise<Verification> {
  const setAside: string[] = [];
  let blobs = 0;
  let bytes = 0;
  for await (const { sha256, path, size } of walkBlobs(deps.ops, deps.paths)) {
    deps.touch.forget(sha256);
    try {
      await deps.touch.prove(path, sha256, new Map([['sha256', sha256]]));
      bytes += size;
    } catch (error) {
      if (isMissing(error)) continue;
      if (!isDamage(error) && !(error instanceof Refusal && error.reason === 'digest')) throw error;
      await deps.setAside(sha256, error instanceof Error ? error.message : 'unreadable');
      setAside.push(sha256);
    }
    blobs++;
    progress?.({ blobs, bytes, setAside });
  }
  return { blobs, bytes, setAside };
}
